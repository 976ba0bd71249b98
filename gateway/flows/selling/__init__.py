"""Selling directly: what there is, quotes and holds, bookings and their changes, and the letters about them."""
