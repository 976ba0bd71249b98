"""Envelopes of both versions, their faults, and the UsernameToken inside."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.errors import Malformed, Reason, Rejected, Unauthentic, Unsupported
from gateway.wire import soap, wsse
from gateway.wire.soap import EnvelopeFault, FaultCode, Version
from gateway.wire.xml import read_tree

VERSIONS = list(Version)
MESSAGE = b'<?xml version="1.0" encoding="UTF-8"?>\n<m xmlns="urn:m">\xc3\xa9 &lt;</m>'


def envelope(version: Version, body: str, header: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{version.namespace}">{head}<s:Body>{body}</s:Body></s:Envelope>'.encode()


def unwrap(data: bytes) -> soap.Envelope:
    return soap.unwrap(read_tree(data))


def refused(data: bytes) -> EnvelopeFault:
    with pytest.raises(EnvelopeFault) as raised:
        unwrap(data)
    return raised.value


# --- envelopes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_wrapped_is_unwrapped(version: Version) -> None:
    found = unwrap(soap.wrap(MESSAGE, version, "<h xmlns='urn:h'/>"))
    assert found.version is version
    assert etree.tostring(found.payload, method="c14n", with_comments=False).startswith(b"<m ")
    assert found.payload.text == "é <"
    assert found.header is not None
    assert [one.tag for one in found.header] == ["{urn:h}h"]


def test_an_answer_carries_an_empty_header() -> None:
    header = unwrap(soap.wrap(MESSAGE, Version.V11)).header
    assert header is not None
    assert len(header) == 0


def test_a_document_without_an_envelope_is_none() -> None:
    assert soap.version_of(read_tree(MESSAGE)) is None
    assert refused(MESSAGE).code is FaultCode.SENDER


def test_an_unknown_version_is_a_mismatch() -> None:
    assert refused(b'<s:Envelope xmlns:s="urn:soap:9"><s:Body/></s:Envelope>').code is FaultCode.VERSION_MISMATCH


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("body", ["", "<a/><b/>", "text"])
def test_a_body_holds_one_message(version: Version, body: str) -> None:
    error = refused(envelope(version, body))
    assert (error.version, error.code, error.path) == (version, FaultCode.SENDER, "/Envelope/Body")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("parts", "repeated"), [(b"</s:Body>", b"<s:Body><a/></s:Body>"), (b"</s:Header>", b"<s:Header/>")]
)
def test_an_envelope_has_one_of_each(version: Version, parts: bytes, repeated: bytes) -> None:
    data = envelope(version, "<a/>", "<b/>")
    assert refused(data.replace(parts, parts + repeated)).path == "/Envelope"


def test_an_envelope_without_a_body_is_refused() -> None:
    assert refused(f'<s:Envelope xmlns:s="{Version.V11.namespace}"/>'.encode()).path == "/Envelope"


def test_a_body_of_the_other_version_is_none() -> None:
    mixed = envelope(Version.V11, "<a/>").replace(b"<s:Body>", f'<s:Body xmlns:s="{Version.V12.namespace}">'.encode())
    assert refused(mixed).path == "/Envelope"


@pytest.mark.parametrize(
    ("version", "must", "receiver", "is_refused"),
    [
        (Version.V11, "1", "", True),
        (Version.V11, "0", "", False),
        (Version.V12, "true", "", True),
        (Version.V12, "1", "", True),
        (Version.V11, "1", ' s:actor="urn:somebody"', False),
        (Version.V12, "true", ' s:role="urn:somebody"', False),
        (Version.V11, "1", ' s:actor="http://schemas.xmlsoap.org/soap/actor/next"', True),
    ],
)
def test_headers_that_must_be_understood(version: Version, must: str, receiver: str, is_refused: bool) -> None:
    header = f'<t:T xmlns:t="urn:t" s:mustUnderstand="{must}"{receiver}/>'
    data = envelope(version, "<a/>", header)
    if is_refused:
        assert refused(data).code is FaultCode.MUST_UNDERSTAND
    else:
        assert unwrap(data).payload.tag == "a"


def test_security_is_understood() -> None:
    header = f'<w:Security xmlns:w="{wsse.NAMESPACE}" s:mustUnderstand="1"/>'
    assert unwrap(envelope(Version.V11, "<a/>", header)).version is Version.V11


def test_the_headers_of_a_request() -> None:
    assert Version.V11.headers("urn:do")["soapaction"] == '"urn:do"'
    assert Version.V11.headers("urn:do")["content-type"].startswith("text/xml")
    assert Version.V12.headers("urn:do") == {"content-type": 'application/soap+xml; charset=utf-8; action="urn:do"'}


def test_attachments_are_not_taken() -> None:
    for media_type in ("", "text/xml; charset=utf-8", "Application/SOAP+XML", "application/xml"):
        soap.check_media_type({"content-type": media_type})
    for media_type in ("multipart/related; type=text/xml", "application/json"):
        with pytest.raises(Unsupported):
            soap.check_media_type({"content-type": media_type})


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", list(FaultCode))
def test_a_fault_is_read_as_it_was_written(version: Version, code: FaultCode) -> None:
    written = soap.write_fault(version, code, "no <&>", MESSAGE)
    found = soap.read_fault(unwrap(written))
    assert found == soap.Fault(code, "no <&>")
    assert b"urn:m" in written


def test_the_words_of_the_first_version() -> None:
    root = read_tree(soap.write_fault(Version.V11, FaultCode.SENDER, "no"))
    assert root.findtext(".//faultcode") == "soap:Client"


@pytest.mark.parametrize(("word", "code"), [("soap:Server.Busy", FaultCode.RECEIVER), ("x:Odd", None), ("", None)])
def test_codes_as_others_write_them(word: str, code: FaultCode | None) -> None:
    fault = f"<s:Fault><faultcode>{word}</faultcode><faultstring>so</faultstring></s:Fault>"
    assert soap.read_fault(unwrap(envelope(Version.V11, fault))) == soap.Fault(code, "so")


def test_a_message_is_no_fault() -> None:
    assert soap.read_fault(unwrap(envelope(Version.V11, "<Fault/>"))) is None


def test_the_status_of_a_fault() -> None:
    assert soap.fault_status(Version.V11, FaultCode.SENDER) == 500
    assert soap.fault_status(Version.V12, FaultCode.SENDER) == 400
    assert soap.fault_status(Version.V12, FaultCode.RECEIVER) == 500


def test_whose_fault_an_error_is() -> None:
    assert soap.fault_of(Rejected("away", Reason.UNAVAILABLE)) == (Version.V11, FaultCode.RECEIVER)
    assert soap.fault_of(Malformed("what?")) == (Version.V11, FaultCode.SENDER)
    both = EnvelopeFault("what?", Version.V12, FaultCode.MUST_UNDERSTAND)
    assert soap.fault_of(both) == (Version.V12, FaultCode.MUST_UNDERSTAND)


# --- who sends --------------------------------------------------------------------------------------------------------


def blocks(*headers: str) -> list[etree._Element]:
    return [read_tree(header.encode()) for header in headers]


def test_a_token_is_read_as_it_was_written() -> None:
    written = wsse.write_token("us & them", " p<w>\u00e9 ")
    assert wsse.read_token(blocks(written)) == ("us & them", " p<w>\u00e9 ")


def test_no_header_is_no_token() -> None:
    assert wsse.read_token([]) is None


TOKEN = wsse.write_token("user", "word")


@pytest.mark.parametrize(
    "headers",
    [
        (TOKEN, TOKEN),
        (f'<w:Security xmlns:w="{wsse.NAMESPACE}"/>',),
        (TOKEN.replace("PasswordText", "PasswordDigest"),),
        (TOKEN.replace("</wsse:Username>", "</wsse:Username><wsse:Username>other</wsse:Username>"),),
        (TOKEN.replace("wsse:Password", "wsse:Passport"),),
        (TOKEN.replace("</wsse:UsernameToken>", "</wsse:UsernameToken><wsse:UsernameToken/>"),),
    ],
    ids=["two headers", "no token", "digest", "two names", "no password", "two tokens"],
)
def test_anything_but_one_of_each_lets_nobody_in(headers: tuple[str, ...]) -> None:
    with pytest.raises(Unauthentic):
        wsse.read_token(blocks(*headers))


def test_a_password_without_a_type_is_in_clear() -> None:
    plain = TOKEN.replace(f' Type="{wsse.PASSWORD_TEXT}"', "")
    assert plain != TOKEN
    assert wsse.read_token(blocks(plain)) == ("user", "word")
