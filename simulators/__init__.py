"""Counterparts to talk to: a sales channel and a PMS, each with its own stored state and switchable faults.

They import neither `gateway` nor `connectors` nor `mappings`: two ends that share one misreading would agree with each
other and be wrong. Everything they know about OpenTravel is read from the protocol sheet a second time, in
`simulators/opentravel/`.

    opentravel/   reading and writing the messages
    faults.py     what can go wrong on the wire, switchable while running
    audit.py      what was received
    endpoint.py   one received message: faults, login, the simulator's decision, held messages
    outbox.py     what is waiting to be sent, with its retries (no sockets)
    courier.py    sends the outbox
    desk.py       what every simulator offers: endpoint, outbox, controls, views, snapshot
    http.py       the ASGI layer; serving.py runs it; persist.py saves it; config.py reads it
    examples/     a commented configuration of each
    ota/, pms/    the counterparts themselves: pure state and decisions
"""
