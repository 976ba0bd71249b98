"""Property management systems, and programs that are handed reservations as one is."""
