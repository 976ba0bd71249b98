"""Rows into chunks and back, and manifests that show when they were touched."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.backup_format import (
    CHUNK_BYTES_MAX,
    FORMAT,
    Cutter,
    Damaged,
    Layout,
    Manifest,
    Place,
    Table,
    name_of,
    packed,
    read_manifest,
    unpacked,
    write_manifest,
)

Row = list[Any]
VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20) | st.binary(max_size=40)
ROWS = st.lists(st.lists(VALUES, min_size=2, max_size=4), max_size=60)


def cut(rows: list[Row], portion: int = 7) -> tuple[list[bytes], str]:
    cutter = Cutter()
    chunks = [chunk for start in range(0, len(rows), portion) for chunk in cutter.add(rows[start : start + portion])]
    chunks += cutter.end()
    assert cutter.rows == len(rows)
    return chunks, cutter.digest


def place(chunk: bytes) -> Place:
    return Place(name_of(chunk), "b/00001.pack", 0, len(packed(chunk)))


def many(count: int, size: int = 2_000) -> list[Row]:
    """Rows that do not compress, in the order of their key."""
    return [["h", n, hashlib.shake_256(str(n).encode()).digest(size)] for n in range(count)]


@given(ROWS)
def test_what_was_cut_comes_back(rows: list[Row]) -> None:
    chunks, _ = cut(rows)
    assert [row for chunk in chunks for row in unpacked(place(chunk), packed(chunk))] == rows


@given(ROWS, st.integers(1, 9))
def test_neither_chunks_nor_digest_depend_on_how_rows_were_read(rows: list[Row], portion: int) -> None:
    assert cut(rows, portion) == cut(rows, 60)


@given(ROWS, ROWS)
def test_the_digest_tells_tables_apart(some: list[Row], others: list[Row]) -> None:
    assert (cut(some)[1] == cut(others)[1]) == (some == others)


def test_a_change_renews_the_chunk_it_lies_in_and_few_others() -> None:
    rows = many(3_000)
    before = set(cut(rows)[0])
    assert 25 < len(before) < 100
    changed = [*rows[:1_500], ["h", 1_499, b"between"], *rows[1_500:2_000], *rows[2_001:]]
    after = set(cut(changed)[0])
    assert 1 <= len(after - before) <= 4


def test_chunks_have_a_bound_whatever_is_in_them() -> None:
    rows = [["h", n, bytes(CHUNK_BYTES_MAX // 3)] for n in range(12)]
    assert max(map(len, cut(rows)[0])) < 2 * CHUNK_BYTES_MAX


def test_every_flipped_byte_of_a_chunk_is_seen() -> None:
    (chunk,) = cut(many(3, 40))[0]
    data = packed(chunk)
    silent = 0
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1
        try:
            found = unpacked(place(chunk), bytes(flipped))
        except Damaged:
            continue
        # zlib has bits of its own that say nothing about what is packed.
        assert found == msgspec.msgpack.decode(chunk)
        silent += 1
    assert silent < 3


def test_another_chunk_in_its_place_is_seen() -> None:
    (chunk,), (other,) = cut(many(3, 40))[0], cut(many(4, 40))[0]
    with pytest.raises(Damaged, match="not what its name says"):
        unpacked(place(chunk), packed(other))


def manifest() -> Manifest:
    chunk = cut(many(3))[0][0]
    table = Table(Layout("message", ("scope_id", "message_id", "raw"), 2), 3, "d", (place(chunk),))
    return Manifest(FORMAT, "b", 1, "full", "sqlite", "0001", (table,), ())


def test_a_manifest_comes_back() -> None:
    assert read_manifest(write_manifest(manifest())) == manifest()


def test_a_manifest_that_was_touched_is_refused() -> None:
    data = write_manifest(manifest())
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1
        with pytest.raises(Damaged):
            read_manifest(bytes(flipped))
    for length in range(len(data)):
        with pytest.raises(Damaged):
            read_manifest(data[:length])


def test_a_later_format_is_not_guessed_at() -> None:
    with pytest.raises(Damaged, match="format 2"):
        read_manifest(write_manifest(msgspec.structs.replace(manifest(), format=2)))
