"""A hotel channel manager and integration gateway: one truth per hotel, every counterpart in step with it."""
