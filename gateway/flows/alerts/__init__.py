"""Telling people what needs them: what is looked at, what is said, and how it reaches them."""
