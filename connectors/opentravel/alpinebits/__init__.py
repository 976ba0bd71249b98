"""AlpineBits HotelData 2018-10, 2020-10, 2022-10 and 2024-10, as server and as client."""

from connectors.opentravel.alpinebits.connector import AlpineBits

CONNECTOR = AlpineBits()

__all__ = ["CONNECTOR", "AlpineBits"]
