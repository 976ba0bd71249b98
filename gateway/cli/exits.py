"""Exit statuses that scripts can rely on."""

from __future__ import annotations

DONE = 0
FAILED = 1
REFUSED = 2
ATTENTION = 3
INTERRUPTED = 130

MEANING = (
    "0 done; 1 a failure around us, worth another try (the database is away, a file cannot be read); "
    "2 the input was refused and nothing was done; 3 done, and somebody should look (drift, refused lines); "
    "130 interrupted"
)
