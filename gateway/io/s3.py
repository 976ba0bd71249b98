"""Backups in an S3-compatible store: Amazon's, or one in the house (MinIO, Ceph, Garage).

Signing is botocore's, the library Amazon keeps; the calls are ours, like all others. The endpoint comes from the
operator's settings and not from a hotel file, so it may be in the operator's own network.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from urllib.parse import quote, urlencode, urlsplit

from gateway.contract import Reply, Request
from gateway.errors import OutcomeUnknown, Refusal, Retryable
from gateway.io.clock import Clock, SystemClock
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy
from gateway.io.retry import backoff_s
from gateway.io.shelf import Object, checked
from gateway.settings import Settings
from gateway.wire.xml import name_of, read_tree

ATTEMPTS = 5
TIMEOUT_S = 120.0
_ANSWER_BYTES_MAX = 64 * 1024 * 1024
_WAIT_FIRST_S, _WAIT_MAX_S = 0.5, 10.0


class S3Shelf:
    """``place`` is ``bucket`` or ``bucket/prefix``. Raises ValueError where something is missing in the settings."""

    def __init__(self, place: str, settings: Settings, clock: Clock | None = None) -> None:
        bucket, _, prefix = place.strip("/").partition("/")
        endpoint = settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com"
        host = urlsplit(endpoint).hostname
        if not bucket or not host:
            raise ValueError("a store is named s3://bucket/prefix, and GATEWAY_S3_ENDPOINT is an http or https URL")
        if not settings.s3_access_key or not settings.s3_secret_key:
            raise ValueError("GATEWAY_S3_ACCESS_KEY and GATEWAY_S3_SECRET_KEY are needed for s3://")
        self._signer = _Signer(settings)
        self._bucket = f"{endpoint.rstrip('/')}/{quote(bucket)}"
        self._prefix = f"{prefix}/" if prefix else ""
        self._clock = clock or SystemClock()
        self._caller = HttpCaller(NetworkPolicy([host]), answer_bytes_max=_ANSWER_BYTES_MAX)

    async def put(self, name: str, data: bytes) -> None:
        await self._call("PUT", self._at(name), data)

    async def get(self, name: str) -> bytes:
        reply = await self._call("GET", self._at(name), missing=True)
        if reply.status == 404:
            raise FileNotFoundError(name)
        return reply.body

    async def objects(self) -> list[Object]:
        found: list[Object] = []
        query = {"list-type": "2", "prefix": self._prefix}
        while True:
            # Sorted, and percent-encoded as RFC 3986 says: that is how they are signed.
            answer = await self._call("GET", f"{self._bucket}?{urlencode(sorted(query.items()), quote_via=quote)}")
            page = read_tree(answer.body)
            for node in page:
                if name_of(node) == "Contents":
                    found.append(self._object({name_of(child): child.text or "" for child in node}))
            following = next((node.text for node in page if name_of(node) == "NextContinuationToken"), None)
            if not following:
                return found
            query["continuation-token"] = following

    async def delete(self, name: str) -> None:
        await self._call("DELETE", self._at(name), missing=True)

    async def close(self) -> None:
        await self._caller.close()

    def _at(self, name: str) -> str:
        return f"{self._bucket}/{quote(self._prefix + checked(name))}"

    def _object(self, fields: Mapping[str, str]) -> Object:
        at_ms = int(datetime.fromisoformat(fields["LastModified"]).timestamp() * 1000)
        return Object(fields["Key"].removeprefix(self._prefix), int(fields["Size"]), at_ms)

    async def _call(self, method: str, url: str, body: bytes = b"", *, missing: bool = False) -> Reply:
        """All of these may be repeated: an object is always written as a whole, with the same bytes."""
        problem = ""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                request = Request(method, url, self._signer.headers(method, url, body), body)
                reply = await self._caller.call(request, timeout_s=TIMEOUT_S)
            except (Retryable, OutcomeUnknown) as failure:
                problem = str(failure)
            except Refusal as refusal:
                raise OSError(f"the store cannot be called: {refusal.text}") from refusal
            else:
                if reply.status < 300 or (missing and reply.status == 404):
                    return reply
                problem = f"{reply.status} {_code(reply.body)}"
                if reply.status < 500 and reply.status != 429:
                    break
            if attempt < ATTEMPTS:
                await self._clock.sleep(backoff_s(attempt, _WAIT_FIRST_S, _WAIT_MAX_S, Random()))
        raise OSError(f"the store does not take {method} {urlsplit(url).path}: {problem}")


class _Signer:
    """AWS Signature Version 4 as botocore makes it. What is not installed with the gateway is said so."""

    def __init__(self, settings: Settings) -> None:
        try:
            from botocore.auth import S3SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.credentials import Credentials
        except ImportError:
            raise ValueError("s3:// needs an optional part: pip install 'hotel-gateway[s3]'") from None
        self._request = AWSRequest
        self._auth = S3SigV4Auth(Credentials(settings.s3_access_key, settings.s3_secret_key), "s3", settings.s3_region)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        request = self._request(method=method, url=url, data=body)
        self._auth.add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}


def _code(body: bytes) -> str:
    try:
        return next((node.text or "" for node in read_tree(body) if name_of(node) == "Code"), "")
    except Refusal:
        return ""
