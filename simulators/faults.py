"""What can go wrong on the wire, switchable while a simulator runs.

| kind              | what the sender sees                    | effect                                          |
|-------------------|-----------------------------------------|-------------------------------------------------|
| `429`             | 429 with Retry-After                    | none                                            |
| `5xx`             | `status` (503)                          | none                                            |
| `errors`          | 200 with OTA Errors `type`/`code`       | none                                            |
| `applied_timeout` | nothing; closed after `hold_s`          | applied at once                                 |
| `late`            | nothing; closed after `hold_s`          | after `delay_s`, or on release when it is null  |
| `reset`           | TCP reset                               | none (`when`: before or after reading the body) |
| `reorder`         | its answer, once the next was applied   | applied after the next request                  |
| `down`            | 503, or reset (`mode`: 503, reset)      | none                                            |
| `slow`            | its answer, `delay_s` late              | applied at once                                 |
| `garbage`         | 200 with broken XML                     | applied unless `applied` is false               |

A fault fires for its next `count` requests (null: until reset), each time with `probability`, on messages whose root
is `match` (null: any). Faults are asked in the order they were set; the first that fires decides.
"""

import random
from typing import Literal

import msgspec

Kind = Literal["429", "5xx", "errors", "applied_timeout", "late", "reset", "reorder", "down", "slow", "garbage"]


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One switched fault. Times in seconds; `fired` counts how often it struck."""

    kind: Kind
    count: int | None = 1
    probability: float = 1.0
    match: str | None = None
    status: int = 503
    retry_after_s: float = 1.0
    delay_s: float | None = None
    hold_s: float = 30.0
    when: Literal["before", "after"] = "after"
    mode: Literal["503", "reset"] = "503"
    type: str = "12"
    code: str = "450"
    text: str = "Unable to process"
    applied: bool = True
    fired: int = 0

    def spent(self) -> bool:
        return self.count is not None and self.fired >= self.count

    def before_reading(self) -> bool:
        """Whether it strikes when only the head of the request is there; such a fault cannot match a root."""
        return self.kind == "reset" and self.when == "before"


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /control/faults`: forget all (`reset`), then add `faults`. `seed` restarts the dice."""

    faults: list[Fault] = []
    reset: bool = False
    seed: int | None = None


class FaultBox:
    """The faults switched on now, with counters and seeded dice."""

    def __init__(self, seed: int = 0) -> None:
        self._dice = random.Random(seed)
        self._faults: list[Fault] = []
        self.fired: dict[str, int] = {}
        self.asked = 0

    def change(self, request: FaultRequest) -> None:
        if request.seed is not None:
            self._dice = random.Random(request.seed)
        if request.reset:
            self._faults = []
        self._faults.extend(request.faults)

    def add(self, kind: Kind, **options: object) -> Fault:
        """Switch one fault on from code; `options` are fields of Fault."""
        fault = msgspec.convert({"kind": kind, **options}, Fault)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults = []

    def strike_head(self) -> Fault | None:
        """The fault that strikes before the body is read, if any."""
        return self._strike([fault for fault in self._faults if fault.before_reading()])

    def strike(self, root: str, holding: bool = False) -> Fault | None:
        """The fault for a read message; while one is held for `reorder`, the next passes so that it can overtake."""
        self.asked += 1
        asked = [
            fault
            for fault in self._faults
            if not fault.before_reading() and fault.match in (None, root) and not (holding and fault.kind == "reorder")
        ]
        return self._strike(asked)

    def _strike(self, faults: list[Fault]) -> Fault | None:
        for fault in faults:
            if fault.spent() or (fault.probability < 1 and self._dice.random() >= fault.probability):
                continue
            fault.fired += 1
            self.fired[fault.kind] = self.fired.get(fault.kind, 0) + 1
            return fault
        return None

    def view(self) -> dict[str, object]:
        """Counters and the switched faults, as `GET /control/faults` shows them."""
        active = [msgspec.to_builtins(fault) for fault in self._faults if not fault.spent()]
        spent = [msgspec.to_builtins(fault) for fault in self._faults if fault.spent()]
        return {"asked": self.asked, "fired": dict(self.fired), "active": active, "spent": spent}
