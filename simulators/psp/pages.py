"""What a guest's browser is shown: a page to pay on, and the way back."""

from collections.abc import Mapping
from html import escape

_STYLE = "body{font:1.1rem system-ui;max-width:30rem;margin:4rem auto;padding:0 1rem}button{font:inherit;margin:.5rem}"


def guest_page(gateway: str, order: str, problem: str = "") -> str:
    """Two buttons; no real card is asked for, since nobody here should type one."""
    said = f"<p role=alert>{escape(problem)}</p>" if problem else "<p>No real money moves here.</p>"
    buttons = "".join(
        f"<button name=succeeds value={value}>{text}</button>"
        for value, text in (("yes", "Pay"), ("no", "Card declined"))
    )
    return _page(
        f"Simulated {escape(gateway)}", f"<p>Order {escape(order)}</p>{said}<form method=post>{buttons}</form>"
    )


def returning(url: str, fields: Mapping[str, str]) -> str:
    """A form that the guest's browser carries back to the merchant, or only the word that it is done."""
    if not url:
        return _page("Thank you", "<p>Done. You can close this page.</p>")
    inputs = "".join(
        f'<input type=hidden name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    return _page(
        "Thank you", f'<form method=post action="{escape(url)}">{inputs}<button>Back to the hotel</button></form>'
    )


def _page(title: str, content: str) -> str:
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    return f"{head}<h1>{title}</h1>{content}</html>"
