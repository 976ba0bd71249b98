"""What passes for an address can be written to: the standard library takes it, and as one."""

from __future__ import annotations

from email.utils import getaddresses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.io.smtp import Unwritable, is_address, mail

_PARTS = st.text(st.sampled_from('ab.@ <>,;:()[]\\"=?-_\n\r\t\x00\x7fü李\u2028'), max_size=12)


@given(text=_PARTS)
@example(text="a@")
@example(text="a@[")
@example(text="a:b;@x")
@example(text="=?utf-8?q?=0a?=@x")
def test_whatever_is_an_address_makes_a_letter_to_one(text: str) -> None:
    if is_address(text):
        message = mail("desk@hotel.example", [text], "Subject", "Text", 0)
        assert message.as_bytes()
        assert len(getaddresses([str(message["To"])])) == 1


@pytest.mark.parametrize("text", ["ada@", "a@[", "a:b;@x", "a@\nb", "=?utf-8?q?=0a?=@x"])
def test_a_letter_to_or_from_none_is_refused_in_one_way(text: str) -> None:
    with pytest.raises(Unwritable):
        mail("desk@hotel.example", [text], "Subject", "Text", 0)
    with pytest.raises(Unwritable):
        mail(text, ["desk@hotel.example"], "Subject", "Text", 0)


@pytest.mark.parametrize("text", ["ada@example.org", "a.b+c@d-e.example", "李@example.cn", "x@localhost"])
def test_usual_addresses_are_some(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "ada", "a@b@c", "a@b, c@d", "Ada <ada@example.org>", "a@\nb"])
def test_others_are_none(text: str) -> None:
    assert not is_address(text)
