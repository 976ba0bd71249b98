"""A sales channel that speaks OpenTravel: stores what it is told, sells from it, and reports its bookings."""

from simulators.ota.simulator import OtaSimulator

__all__ = ["OtaSimulator"]
