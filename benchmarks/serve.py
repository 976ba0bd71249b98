"""Ours: start-up and memory of a gateway with the demo hotel."""

import sys
from importlib import resources

from benchmarks.floors import serve_figures
from benchmarks.harness import Figures, ours
from benchmarks.house import apply_file
from benchmarks.processes import durable_directory, free_port, serving


@ours("serve")
def serve() -> Figures:
    """With its workers, as it runs by default."""
    port = free_port()
    toml = (resources.files("mappings") / "hotels" / "demo.toml").read_text(encoding="utf-8")
    with durable_directory() as directory:
        environment = apply_file(directory, toml)
        command = [sys.executable, "-m", "gateway", "serve", "--port", str(port)]
        with serving(command, port=port, ready_path="/health/ready", environment=environment) as server:
            return serve_figures(server)
