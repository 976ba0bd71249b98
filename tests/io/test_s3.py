"""Backups in a store that checks every signature by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from gateway.io.s3 import ATTEMPTS, S3Shelf
from gateway.settings import Settings
from tests.flows.house import JumpClock
from tests.io import s3_store

pytest.importorskip("botocore", reason="the optional part s3 is not installed")


@pytest.fixture
def store() -> Iterator[s3_store.Store]:
    with s3_store.running() as store:
        yield store


def settings(store: s3_store.Store) -> Settings:
    return Settings(
        s3_endpoint=store.url,
        s3_region=s3_store.REGION,
        s3_access_key=s3_store.ACCESS,
        s3_secret_key=s3_store.SECRET,
    )


@asynccontextmanager
async def closing(shelf: S3Shelf) -> AsyncIterator[S3Shelf]:
    try:
        yield shelf
    finally:
        await shelf.close()


@pytest.fixture
async def shelf(store: s3_store.Store) -> AsyncIterator[S3Shelf]:
    async with closing(S3Shelf("hotel-backups/house one", settings(store), JumpClock(0))) as shelf:
        yield shelf


async def test_what_is_put_there_comes_back(shelf: S3Shelf, store: s3_store.Store) -> None:
    for name, data in (("b/00001.pack", bytes(range(256)) * 4_000), ("b/manifest", b"")):
        await shelf.put(name, data)
        assert await shelf.get(name) == data
    assert set(store.objects) == {
        "/hotel-backups/house%20one/b/00001.pack",
        "/hotel-backups/house%20one/b/manifest",
    }
    await shelf.delete("b/manifest")
    await shelf.delete("b/manifest")
    with pytest.raises(FileNotFoundError):
        await shelf.get("b/manifest")


async def test_a_long_list_comes_in_pages(store: s3_store.Store) -> None:
    async with closing(S3Shelf("hotel-backups", settings(store))) as shelf:
        await check_pages(shelf)


async def check_pages(shelf: S3Shelf) -> None:
    names = [f"b{n}/manifest" for n in range(2 * s3_store.PAGE + 1)]
    for name in names:
        await shelf.put(name, name.encode())
    found = await shelf.objects()
    assert [item.name for item in found] == names
    assert {(item.size, item.modified_ms) for item in found} == {(11, 1_795_309_200_000)}


async def test_a_wrong_login_is_said_at_once(store: s3_store.Store) -> None:
    shelf = S3Shelf("hotel-backups", msgspec.structs.replace(settings(store), s3_secret_key="other"))
    async with closing(shelf):
        with pytest.raises(OSError, match="403 SignatureDoesNotMatch"):
            await shelf.put("b/manifest", b"x")
    assert not store.objects


async def test_a_store_that_is_busy_is_asked_again(shelf: S3Shelf, store: s3_store.Store) -> None:
    store.answers = [503, 500, 429]
    await shelf.put("b/manifest", b"x")
    assert await shelf.get("b/manifest") == b"x"
    store.answers = [503] * ATTEMPTS
    with pytest.raises(OSError, match="503 SlowDown"):
        await shelf.get("b/manifest")
    assert not store.answers


def test_what_is_missing_in_the_settings_is_named() -> None:
    whole = Settings(s3_access_key="a", s3_secret_key="s")
    for place, wrong in (("", whole), ("b", Settings()), ("b", msgspec.structs.replace(whole, s3_endpoint="x"))):
        with pytest.raises(ValueError, match=r"s3://|GATEWAY_S3"):
            S3Shelf(place, wrong)
