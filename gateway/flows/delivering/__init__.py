"""Handing reservations to those who keep them, until they confirm."""
