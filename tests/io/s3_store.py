"""A store of objects with its own reading of AWS Signature Version 4, to which nobody gets in without one.

Read from the description at docs.aws.amazon.com ("Authenticating Requests: Using the Authorization Header"), apart
from what signs our requests.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

ACCESS, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-south-1"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\S+?)/(\d{8})/(\S+?)/s3/aws4_request, ?SignedHeaders=(\S+?), ?Signature=(\w{64})"
)
PAGE = 3


class Store:
    """``objects`` by path; ``answers`` are statuses given instead, in order."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.answers: list[int] = []
        self.url = ""


@contextmanager
def running() -> Iterator[Store]:
    store = Store()

    class Handler(_Handler):
        of = store

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    of: Store
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        parts = urlsplit(self.path)
        if self.of.answers:
            self._answer(self.of.answers.pop(0), b"<Error><Code>SlowDown</Code></Error>")
        elif not _is_signed(self.command, parts.path, parts.query, self.headers, body):
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif parts.query:
            self._answer(200, self._page(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))))
        elif self.command == "PUT":
            self.of.objects[parts.path] = body
            self._answer(200, b"")
        elif self.command == "DELETE":
            self.of.objects.pop(parts.path, None)
            self._answer(204, b"")
        elif parts.path in self.of.objects:
            self._answer(200, self.of.objects[parts.path])
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    do_GET = do_PUT = do_DELETE = _serve  # noqa: N815  the names that the standard library calls

    def _page(self, bucket: str, query: dict[str, str]) -> bytes:
        prefix = f"{bucket}/{query['prefix']}"
        names = sorted(name for name in self.of.objects if name.startswith(prefix))
        start = int(query.get("continuation-token", "token=0").removeprefix("token="))
        rows = "".join(
            f"<Contents><Key>{name.removeprefix(f'{bucket}/')}</Key><Size>{len(self.of.objects[name])}</Size>"
            "<LastModified>2026-11-22T01:00:00.000Z</LastModified></Contents>"
            for name in names[start : start + PAGE]
        )
        more = f"<NextContinuationToken>token={start + PAGE}</NextContinuationToken>" if names[start + PAGE :] else ""
        space = "http://s3.amazonaws.com/doc/2006-03-01/"
        return f'<ListBucketResult xmlns="{space}">{rows}{more}</ListBucketResult>'.encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _is_signed(method: str, path: str, query: str, headers: object, body: bytes) -> bool:
    given = {name.lower(): value.strip() for name, value in headers.items()}  # type: ignore[attr-defined]
    found = _AUTHORIZATION.fullmatch(given.get("authorization", ""))
    if found is None or given.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return False
    access, day, region, names, signature = found.groups()
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    canonical = "\n".join(
        [
            method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{given[name]}" for name in names.split(";")),
            "",
            names,
            given["x-amz-content-sha256"],
        ]
    )
    at = given["x-amz-date"]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{at}\n{day}/{region}/s3/aws4_request\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.new(key, text.encode(), "sha256").hexdigest()
    return (access, region, "host" in names.split(";")) == (ACCESS, REGION, True) and signature == expected
