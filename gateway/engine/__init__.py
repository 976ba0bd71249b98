"""Pure decisions: no I/O, no clock, no SQL. Everything here can be replayed."""
