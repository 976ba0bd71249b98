"""What a person has to see of payments: messages set aside, callbacks that are refused, outcomes nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast

from gateway.engine.operations import PARKED_AFTER_MS
from gateway.flows.alerts.texts import AlertKind
from gateway.flows.alerts.watch import Alerts, current
from gateway.flows.payments import operate, show
from gateway.flows.work import Workers
from gateway.model.payment import OperationKind
from gateway.settings import Settings
from simulators.psp.stripe import Stripe
from tests.flows.payments.house import STRIPE_VERSION, PayHouse, changed, lost, of_kind


async def told(psp: PayHouse) -> Mapping[AlertKind, str]:
    """What stands after a look: the subject and what is said of it."""
    workers = SimpleNamespace(looked_ms=psp.clock.now_ms())
    settings = Settings(data_dir=".", alert_disk_free_percent=0)
    await Alerts(psp.services, settings, cast(Workers, workers)).round()
    found = await current(psp.services, "h")
    ours = [alert for alert in found if alert.kind.startswith("payment_")]
    return {alert.kind: f"{alert.subject}: {alert.text['en']}" for alert in ours}


async def test_where_all_is_well_nothing_is_told(psp: PayHouse) -> None:
    await psp.charge("desk", OperationKind.PURCHASE)
    await psp.tell("desk")
    await psp.work()
    assert await told(psp) == {}


async def test_a_message_that_was_set_aside_stands_until_somebody_has_seen_it(psp: PayHouse) -> None:
    await psp.charge("online")
    await psp.tell("online", changed(psp.adyen.events[0], amount={"currency": "EUR", "value": 1}))
    await psp.work()
    (kind,) = (found := await told(psp))
    assert kind is AlertKind.PAYMENT_PARKED
    assert found[kind].startswith("online: Messages about payments over online that wait for a person: 1.")
    assert "another amount" in found[kind]
    (line,) = (await show.parked(psp.services, "h")).items
    await show.settle(psp.services, "h", line.account, line.id, "ada")
    psp.clock.pass_s(3_600)
    assert await told(psp) == {}


async def test_callbacks_that_are_refused_are_told_for_a_while(psp: PayHouse) -> None:
    await psp.charge("desk", OperationKind.PURCHASE)
    stranger = Stripe("sk", "whsec_other", STRIPE_VERSION, lambda: psp.clock.now_ms() // 1000)
    reply = await psp.post("desk", stranger.signed(of_kind(psp.stripe.events, "payment_intent.succeeded")))
    assert reply.status == 400
    (kind,) = (found := await told(psp))
    assert kind is AlertKind.PAYMENT_REFUSED
    assert "desk" in found[kind]
    assert "authentication" in found[kind]
    psp.clock.pass_s(2 * 86_400)
    assert await told(psp) == {}


async def test_an_operation_nobody_can_tell_of_is_told_once_it_is_no_longer_asked_about(psp: PayHouse) -> None:
    held = await psp.charge("online")
    psp.wire.faults = [lost] * 200
    await operate.capture(psp.services, "h", held.payment_id, 8_000, "test")
    assert await told(psp) == {}
    while (next_ms := await psp.work()) is not None:
        psp.wire.faults = [lost] * 200
        psp.clock.pass_s(max(1.0, (next_ms - psp.clock.now_ms()) / 1000))
    assert psp.clock.now_ms() - (await psp.operations())[-1].at_ms >= PARKED_AFTER_MS
    found = await told(psp)
    assert "of which nobody can tell what became" in found[AlertKind.PAYMENT_UNRESOLVED]
    assert held.operation_id not in found[AlertKind.PAYMENT_UNRESOLVED]
