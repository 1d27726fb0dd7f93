"""100,000 strange URLs: what the rules have checked is what the HTTP client connects to and asks for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from ipaddress import ip_address

from aiohttp import ClientRequest
from aiohttp.helpers import is_ip_address

from talkwire.egress import AddressRules, RefusedUrl
from talkwire.egress.address_rules import CheckedUrl, literal_address, port_of

COUNT = 100_000
RULES = AddressRules()

_SCHEMES = ("https", "HTTPS", "http", "ftp", "https+x", "")
_SEPARATORS = ("://", ":///", ":/", "//", "://@", "://user@", "://a:b@", "://%40")
_HOSTS = (
    *("app.example.com", "App.Example.COM.", "faß.example", "βόλος.example", "☃.net", "a。b", "xn--fa-hia.example"),
    *("8.8.8.8", "8.8.8.8.", "0x8.8.8.8", "134744072", "-1.1.1.1", "1.2.3", "08.8.8.8", "①.1.1.1", "1.1.1.1%2e"),
    *("127.0.0.1", "127。0。0。1", "localhost", "%31%32%37.0.0.1", "169.254.169.254", "\uff10x7f.1", "1\u00ad27.0.0.1"),
    *(
        "[2606:4700::1111]",
        "[2606:4700::1111%25eth0]",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[v1.a]",
        "[8.8.8.8]",
        "[::%31\uff101]",
    ),
    *(
        "a..b",
        ".",
        "a_b.example",
        "-a.example",
        "a" * 64 + ".example",
        "example.com:80:80",
        "a%2fb.example",
        "a\tb",
        "a\x00b",
    ),
)
_PORTS = (
    "",
    ":",
    ":443",
    ":0443",
    ":80",
    ":8443",
    ":22",
    ":0",
    ":65536",
    ":-1",
    ":+443",
    ":٤٤٣",
    ":0x1bb",
    "443",
    ":443:80",
)
_PATHS = (
    "",
    "/",
    "/hook",
    "/%zz",
    "/%2e%2e/x",
    "/../x",
    "/ü",
    "/a b",
    "/a\\b",
    "/\r\nx: y",
    "/;a",
    "//example.org/",
    "?q",
    "#f",
)
_ODD = (
    "",
    "@",
    "\\",
    "/",
    "?",
    "#",
    ":",
    "[",
    "]",
    "%",
    "%00",
    "\u2024",
    "\u2215",
    "\ufe56",
    "\uff0f",
    "\u200d",
    "\x7f",
    ".",
    "1",
)


def _strange_urls() -> Iterator[str]:
    chance = random.Random(1)
    for _ in range(COUNT):
        parts = [chance.choice(each) for each in (_SCHEMES[:1] * 30 + _SCHEMES, _SEPARATORS[:1] * 40 + _SEPARATORS)]
        parts += [chance.choice(each) for each in (_HOSTS, ("",) * 30 + _ODD, _PORTS[:1] * 10 + _PORTS, _PATHS)]
        text = "".join(parts)
        for _odd in range(chance.choice((0, 0, 0, 0, 1, 2))):
            place = chance.randrange(len(text) + 1)
            text = text[:place] + chance.choice(_ODD) + text[place:]
        yield text


def _allowed(text: str) -> CheckedUrl | None:
    try:
        return RULES.check_url(text)
    except RefusedUrl:
        return None


async def test_the_client_connects_to_what_was_checked() -> None:
    """No other error than RefusedUrl comes out of the check either."""
    allowed = [url for text in _strange_urls() if (url := _allowed(text)) is not None]
    assert 5_000 < len(allowed) < COUNT / 2
    loop = asyncio.get_running_loop()
    for url in allowed:
        request = ClientRequest("POST", url, loop=loop)
        key = request.connection_key
        host = key.host
        assert (host, key.port, key.is_ssl) == (url.raw_host, port_of(url), True)
        assert _allowed(f"https://{f'[{host}]' if ':' in host else host}:{key.port}/") is not None
        literal = literal_address(host)
        if is_ip_address(host):  # to which the client connects without asking the resolver
            assert literal == ip_address(host)
        assert literal is None or RULES.refusal(literal, encrypted=True) is None
        sent = f"{request.url.raw_path_qs} {request.headers['host']}"
        assert sent.isascii()
        assert sent.isprintable()
        assert len(sent.split(" ")) == 2
