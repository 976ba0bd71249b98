"""Ours: bookings over HTTP, each acknowledged once it is on disk.

Like the floor, the process under measure takes bookings and sends nothing: pushing and delivering are the work of other
processes (``gateway serve --no-workers``), or of the same one where they are wanted.
"""

import base64
import sys
import time
from urllib.request import Request, urlopen

from benchmarks import conditions
from benchmarks.datasets.bookings import BookingSet
from benchmarks.floors import booking_figures
from benchmarks.harness import Figures, ours
from benchmarks.house import apply_file, figures_document, hotel_toml
from benchmarks.load import LoadPlan, run
from benchmarks.processes import durable_directory, free_port, serving


@ours("booking")
def booking() -> Figures:
    """The standard load."""
    port, bookings = free_port(), BookingSet()
    with durable_directory() as directory:
        environment = apply_file(directory, hotel_toml(bookings.room_codes, bookings.plan_codes, channels=1))
        command = [sys.executable, "-m", "gateway", "serve", "--no-workers", "--port", str(port)]
        with serving(command, port=port, ready_path="/health/ready", environment=environment) as server:
            _post(f"{server.url}/opentravel/bench-pms", figures_document(bookings.room_codes, 410))
            # What it does once after its start, as compiling the pages' templates, is no cost of a booking.
            time.sleep(conditions.SERVE_REST_S)
            return booking_figures(run(LoadPlan(url=f"{server.url}/opentravel/channel0", pid=server.pid)))


def _post(url: str, document: bytes) -> None:
    token = base64.b64encode(f"{conditions.USERNAME}:{conditions.PASSWORD}".encode()).decode()
    with urlopen(Request(url, document, {"Authorization": f"Basic {token}", "Content-Type": "text/xml"})) as reply:
        answer = reply.read()
    assert b"<Success" in answer, answer[:300]
