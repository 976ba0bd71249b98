"""From a configuration to a runnable application."""

import time
from pathlib import Path

from simulators.config import Config, OtaConfig, PmsConfig
from simulators.desk import Simulator
from simulators.endpoint import Clock
from simulators.http import SimulatorApp
from simulators.ota import OtaSimulator
from simulators.pms import PmsSimulator


def make_simulator(config: Config, clock: Clock = time.time) -> Simulator:
    return OtaSimulator(config, clock) if isinstance(config, OtaConfig) else PmsSimulator(config, clock)


def make_app(config: OtaConfig | PmsConfig, state_path: Path | None = None) -> SimulatorApp:
    """The ASGI application of a configured simulator."""
    return SimulatorApp(make_simulator(config), config.gateway, state_path)
