"""Which addresses we connect to, and that the checked address is the one connected to."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.contract import Request
from gateway.errors import Rejected
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy, logged_url
from tests.io.counterpart import answering, counterpart

HOST = "hotel.example"
LONG_S = 30.0


class ScriptedResolver(AbstractResolver):
    """Answers each question with the next line of its script."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = self.answers.pop(0)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        return None


def request(url: str) -> Request:
    return Request("POST", url, {}, b"")


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_address_that_is_not_public_is_refused_unless_allowed(address: str) -> None:
    with pytest.raises(Rejected, match="not a public address"):
        NetworkPolicy().check_address(HOST, ip_address(address))
    NetworkPolicy((HOST,)).check_address(HOST.upper() + ".", ip_address(address))


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909", "2002:909:909::"])
def test_public_address_is_allowed(address: str) -> None:
    NetworkPolicy().check_address(HOST, ip_address(address))


def test_allowance_reaches_as_far_as_it_says() -> None:
    policy = NetworkPolicy(("10.1.0.0/16", "fd00::/8", "192.168.1.7", "pms.local"))
    for host, address in ((HOST, "10.1.255.1"), (HOST, "fd12::1"), (HOST, "192.168.1.7"), ("pms.local", "10.2.0.1")):
        policy.check_address(host, ip_address(address))
    for host, address in ((HOST, "10.2.0.1"), (HOST, "192.168.1.8"), ("www.pms.local", "10.2.0.1")):
        with pytest.raises(Rejected):
            policy.check_address(host, ip_address(address))


def test_network_with_host_bits_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ValueError, match="host bits"):
        NetworkPolicy(("10.1.2.3/16",))


@pytest.mark.parametrize(
    "url", ["ftp://hotel.example/", "file:///etc/passwd", "//hotel.example", "http://", "", "http://[::1"]
)
def test_url_that_is_not_http_with_a_host_is_refused(url: str) -> None:
    with pytest.raises(Rejected):
        NetworkPolicy().check_url(url)


def test_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(Rejected) as refused:
        NetworkPolicy().check_url("https://user:s3cret@hotel.example/ari")
    assert "s3cret" not in refused.value.text
    assert "https://hotel.example/ari" in refused.value.text


def test_logged_url_leaves_out_all_that_may_be_secret() -> None:
    assert (
        logged_url("https://user:s3cret@hotel.example:8443/ari?key=s3cret#s3cret") == "https://hotel.example:8443/ari"
    )
    assert logged_url("http://[::1") == "unreadable URL"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0",
        "0.0.0.0",
        "①②⑦.⓪.⓪.①",
    ],
)
async def test_no_spelling_of_loopback_reaches_a_server_there(host: str) -> None:
    async with counterpart(answering) as server, HttpCaller() as caller:
        with pytest.raises(Rejected):
            await caller.call(request(f"http://{host}:{server.port}/"), timeout_s=LONG_S)
        assert server.connections == 0


async def test_name_is_asked_once_and_the_answer_checked_is_the_one_connected_to() -> None:
    resolver = ScriptedResolver(["127.0.0.1"], ["10.0.0.1"])
    policy = NetworkPolicy(("127.0.0.1",))
    async with counterpart(answering) as server, HttpCaller(policy, resolver=resolver) as caller:
        assert (await caller.call(request(f"http://{HOST}:{server.port}/"), timeout_s=LONG_S)).status == 200
    assert resolver.answers == [["10.0.0.1"]]


async def test_name_that_turns_to_a_private_address_later_is_refused_then() -> None:
    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.2"])
    policy = NetworkPolicy(("127.0.0.1",))
    async with (
        counterpart(answering) as server,
        counterpart(answering) as other,
        HttpCaller(policy, resolver=resolver) as caller,
    ):
        await caller.call(request(f"http://{HOST}:{server.port}/"), timeout_s=LONG_S)
        with pytest.raises(Rejected, match=r"127\.0\.0\.2"):
            await caller.call(request(f"http://{HOST}:{other.port}/"), timeout_s=LONG_S)


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async with HttpCaller(resolver=ScriptedResolver(["9.9.9.9", "10.0.0.1"])) as caller:
        with pytest.raises(Rejected):
            await caller.call(request(f"http://{HOST}/"), timeout_s=LONG_S)
