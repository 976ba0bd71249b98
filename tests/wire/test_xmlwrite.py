"""What is escaped reads back the same; what XML cannot hold is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import Unsupported
from gateway.wire.xmlwrite import attribute, attributes, element, text

_WRITABLE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r<>&\"'")
)


@given(_WRITABLE, _WRITABLE)
def test_escaped_values_read_back(one: str, other: str) -> None:
    root = etree.fromstring(f'<a b="{attribute(one)}">{text(other)}</a>'.encode())
    assert (root.get("b"), root.text or "") == (one, other)


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_what_xml_cannot_hold_is_refused(character: str) -> None:
    with pytest.raises(Unsupported, match="U\\+"):
        attribute(f"a{character}")
    with pytest.raises(Unsupported, match="U\\+"):
        text(f"a{character}")


def test_attributes_leave_out_what_is_empty() -> None:
    assert attributes(A="1", B=None, C="", D="<") == ' A="1" D="&lt;"'
    assert element("a", "", b="1") == '<a b="1"/>'
    assert element("a", "<b/>") == "<a><b/></a>"
