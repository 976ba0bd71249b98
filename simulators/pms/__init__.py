"""A PMS that owns the figures: takes reservations from the gateway and publishes rooms left, prices, restrictions."""

from simulators.pms.simulator import PmsSimulator

__all__ = ["PmsSimulator"]
