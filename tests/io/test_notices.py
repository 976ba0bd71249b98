"""Webhooks that others can check, and e-mails that are well formed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy

import pytest

from gateway.contract import Reply
from gateway.io.smtp import Post, hand_in, mail, post_of
from gateway.io.webhook import is_taken, webhook


def test_a_webhook_is_signed_as_the_standard_has_it() -> None:
    """The example in the documentation of Svix, where the standard comes from."""
    request = webhook(
        "https://example.com/hook",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    assert request.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert request.headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert request.headers["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        webhook("https://example.com", secret, "1", 1, b"")


def test_only_success_is_success() -> None:
    assert [status for status in (200, 204, 299, 301, 404, 500) if is_taken(Reply(status, {}, b""))] == [200, 204, 299]


class Server:
    """Takes mail as RFC 5321 says, without TLS."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            command = line[:4].upper()
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                self.letters.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 fine\r\n")
            if command == b"QUIT":
                break
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    mailbox = Server()
    listening = await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)
    mailbox.port = listening.sockets[0].getsockname()[1]
    yield mailbox
    listening.close()
    await listening.wait_closed()


LETTER = mail(
    "gateway@example.com", ["ada@example.com", "bo@example.com"], "新告警: x\nBcc: eve@x", "超卖\n.\nend", 1_000
)


async def test_a_letter_arrives_as_it_was_written(server: Server) -> None:
    await hand_in(Post("127.0.0.1", server.port, tls=False, username="", password=""), LETTER)
    found = message_from_bytes(server.letters[0].removesuffix(b"\r\n.\r\n"), policy=policy.default)
    assert (found["subject"], found["to"]) == ("新告警: x Bcc: eve@x", "ada@example.com, bo@example.com")
    assert found["bcc"] is None
    assert found["auto-submitted"] == "auto-generated"
    assert found["date"].datetime.timestamp() == 1
    assert found["message-id"].endswith("@example.com>")
    assert "超卖" in found.get_content()


async def test_a_login_is_not_sent_in_clear(server: Server) -> None:
    with pytest.raises(OSError, match="no TLS"):
        await hand_in(Post("127.0.0.1", server.port, tls=False, username="u", password="p"), LETTER)
    assert not server.letters


def test_where_mail_is_handed_in() -> None:
    assert post_of("smtp://mail.lan") == Post("mail.lan", 587, tls=False, username="", password="")
    assert post_of("smtps://a%40b:p%3Aw@mail.lan") == Post("mail.lan", 465, tls=True, username="a@b", password="p:w")
    assert post_of("smtp://mail.lan:25").port == 25
    for wrong in ("", "mail.lan", "http://mail.lan", "smtp://"):
        with pytest.raises(ValueError, match="GATEWAY_SMTP_URL"):
            post_of(wrong)
