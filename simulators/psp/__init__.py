"""Payment gateways to talk to, with their own reading of the protocols, their own state and real signatures.

No sockets here: ``serve`` takes a request and gives the answer, ``events`` are what is to be told, ``signed`` makes the
message of one. Whoever carries them decides what is lost, repeated, late or out of order.
"""
