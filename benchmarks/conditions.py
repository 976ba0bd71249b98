"""The conditions of every comparison, fixed before our own code existed. Changing one invalidates earlier figures."""

from datetime import date
from pathlib import Path
from typing import Final

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]

# Booking over HTTP.
BOOKING_CONNECTIONS: Final = 32
# Many short rounds rather than one long: the least disturbed of them is the figure for CPU.
BOOKING_REQUESTS: Final = 3_000
BOOKING_ROUNDS: Final = 8
BOOKING_WARMUP_REQUESTS: Final = 600
# Work a server leaves for after its answers is still the cost of those requests, so its CPU is read this much later.
BOOKING_SETTLE_S: Final = 0.25
BOOKING_OUTBOX_ROWS: Final = 5
BOOKING_NIGHTS: Final = 3
BOOKING_SPAN_DAYS: Final = 400
BOOKING_CPU_RATIO_MAX: Final = 1.7
BOOKING_P99_MS_MAX: Final = 40.0
# Above this share of one core the client, not the server, would set the latencies.
CLIENT_CPU_PERCENT_MAX: Final = 85.0

# Callbacks of payment gateways.
CALLBACK_CPU_RATIO_MAX: Final = 2.5

# Inbound ARI and outbound pushes: 20 rooms × 10 plans = 200 products.
ARI_MESSAGES: Final = 5_000
ROOM_COUNT: Final = 20
PLAN_COUNT: Final = 10
PUSH_DAYS: Final = 500
PUSH_SEASONS: Final = 8
PUSH_LIMIT_RUN_DAYS: Final = 20
PUSH_MESSAGES_PER_DOCUMENT: Final = 5_000
PUSH_CPU_MS_MAX: Final = 60.0

# OpenTravel by itself.
DECODE_RATIO_MAX: Final = 1.6
ENCODE_RATIO_MAX: Final = 3.0
RULES_RATIO_MAX: Final = 1.3
LONG_MEMORY_BY_SIZE_MAX: Final = 4.0
INSPECT_WALL_S_MAX: Final = 10.0

# In-process figures: repeats within one round, and rounds in which floor and ours take turns.
CPU_REPEATS: Final = 7
ROUNDS: Final = 3

# A server's memory is read this long after its first answer, when imports and caches have come to rest.
SERVE_REST_S: Final = 0.5

HOTEL_CODE: Final = "DEMO01"
FIRST_DATE: Final = date(2031, 2, 1)
USERNAME: Final = "bench"
PASSWORD: Final = "bench-password"
