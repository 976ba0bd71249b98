"""A signal ends the gateway whenever it comes, also while it is starting."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.town import PATIENCE_S, free_port

# The signal comes when the start is just between listening itself and leaving that to the server.
_SERVE = """
import os, sys
from gateway import serving
from gateway.settings import Settings

make = serving.create_app

def interrupted(services):
    app = make(services)
    os.kill(os.getpid(), int(sys.argv[2]))
    return app

serving.create_app = interrupted
serving.serve(Settings(data_dir=sys.argv[1], port=int(sys.argv[3])), workers=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_server_is_made_is_not_lost(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", _SERVE, str(tmp_path), str(int(number)), str(free_port())]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 0, ended.stderr
