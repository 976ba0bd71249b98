"""Booking.com's kind of channel as a client: OpenTravel ARI, and reservations fetched from a queue and acknowledged."""

from connectors.opentravel.bookingcom.connector import BookingCom

CONNECTOR = BookingCom()

__all__ = ["CONNECTOR", "BookingCom"]
