"""Bodies and Basic credentials."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64encode
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed, Reason, Unauthentic, Unsupported
from gateway.wire import body
from gateway.wire.http_auth import compose_basic, parse_basic

LIMIT = 100_000


def test_a_plain_body_is_joined() -> None:
    assert body.collect([b"a", b"", b"bc"], "", LIMIT) == b"abc"
    assert body.collect([b"abc"], "identity", 3) == b"abc"


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_gzip_body_is_unpacked_however_it_is_cut(size: int) -> None:
    packed = gzip.compress(b"x" * LIMIT)
    chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert body.collect(chunks, "GZIP", LIMIT) == b"x" * LIMIT


def test_a_gzip_bomb_is_stopped_while_it_unpacks() -> None:
    taken = 0

    def bomb() -> Iterator[bytes]:
        nonlocal taken
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        for _ in range(1000):
            taken += 1
            yield packer.compress(b"\0" * 1_000_000)

    with pytest.raises(Malformed) as refused:
        body.collect(bomb(), "gzip", LIMIT)
    assert refused.value.reason is Reason.TOO_LARGE
    assert taken < 100


@pytest.mark.parametrize(
    "packed", [b"", b"no gzip", gzip.compress(b"abc", mtime=0)[:-3], gzip.compress(b"abc", mtime=0) + b"more"]
)
def test_a_broken_gzip_body_is_refused(packed: bytes) -> None:
    with pytest.raises(Malformed):
        body.collect([packed], "gzip", LIMIT)


def test_too_large_and_unknown_encodings_are_refused() -> None:
    with pytest.raises(Malformed) as refused:
        body.collect([b"ab", b"cd"], "", 3)
    assert refused.value.reason is Reason.TOO_LARGE
    with pytest.raises(Unsupported):
        body.collect([b"x"], "br", LIMIT)


@given(
    st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_basic_credentials_survive(username: str, password: str) -> None:
    assert parse_basic(compose_basic(username, password)) == (username, password)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + b64encode(b"\xff:x").decode(),
        "Basic " + b64encode(b"x").decode(),
        "Bearer x",
    ],
)
def test_unreadable_credentials_are_unauthentic(header: str) -> None:
    with pytest.raises(Unauthentic):
        parse_basic(header)
