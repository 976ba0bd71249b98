"""How a counterpart that speaks SOAP logs in, for the kit: a UsernameToken in whatever Header the message has."""

from __future__ import annotations

import re
from html import escape

from gateway.contract import Head

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
PASSWORD_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
_HEADER = re.compile(rb"<soap:Header/>|<soap:Header>.*?</soap:Header>", re.DOTALL)


def security(username: str, password: str) -> str:
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}"><wsse:UsernameToken><wsse:Username>{escape(username)}</wsse:Username>'
        f'<wsse:Password Type="{PASSWORD_TEXT}">{escape(password)}</wsse:Password></wsse:UsernameToken></wsse:Security>'
    )


def show_token(head: Head, body: bytes, username: str, password: str) -> tuple[Head, bytes]:
    header = f"<soap:Header>{security(username, password)}</soap:Header>".encode()
    return head, _HEADER.sub(lambda _: header, body, count=1)
