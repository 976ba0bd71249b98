"""The card vault: cards taken out of bookings, sent to a PMS, shown with a reason, purged, their keys rotated."""
