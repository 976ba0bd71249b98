"""Minor units as the decimal text a message carries."""

from decimal import Decimal


def amount_text(minor: int, decimals: int) -> str:
    """12050 with 2 decimals → `120.50`."""
    return f"{Decimal(minor).scaleb(-decimals):.{decimals}f}"


def minor_units(amount: int | str, decimals: int) -> int:
    """A control request's amount: an integer is minor units already, a text such as `120.50` is scaled."""
    if isinstance(amount, int):
        return amount
    minor = Decimal(amount).scaleb(decimals)
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} has more than {decimals} decimals")
    return int(minor)
