"""The largest pages for link previews, and the longest headers and addresses that sites send."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial

from rigs.hostile.largest.budget import Attacker, Largest

SETTINGS = {"TALKWIRE_LINK_PREVIEWS": "true", "TALKWIRE_LINK_PREVIEW_ALLOW": "127.0.0.0/8"}

_PAGE = 2 * 1024 * 1024
_HEADER = 7_000
_OVER_S = 60.0
_HTML = "text/html"


class _Site:
    """A site with one page. `done` is set when the page that a message links to after it is fetched."""

    def __init__(self, head: str, body: bytes) -> None:
        self._page = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        self.done = asyncio.Event()

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(b"GET /done "):
                self.done.set()
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(self._page)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def _serving(site: _Site) -> AsyncIterator[str]:
    server = await asyncio.start_server(site.respond, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _link(attacker: Attacker, head: str, body: bytes) -> None:
    """Sends a link to such a page, and returns when the server has read the page."""
    site = _Site(head, body)
    async with _serving(site) as url:
        message = {"conversationId": "commons", "content": f"{url}/page {url}/done"}
        await attacker.send_json("POST", "/api/v1/messages", json.dumps(message), "member")
        await asyncio.wait_for(site.done.wait(), _OVER_S)


async def _page(attacker: Attacker, size: int, *, start: str = "", unit: str, charset: str = "utf-8") -> None:
    body = (start + unit * (size // len(unit))).encode()[:size]
    await _link(attacker, f"200 OK\r\nContent-Type: {_HTML}; charset={charset}", body)


async def _tree(attacker: Attacker, size: int) -> None:
    """Formatting elements that every paragraph opens again: a tree of this page grows with the square of its size."""
    opened = "".join(f"<b {number:x}>" for number in range(size // 16))
    await _page(attacker, size, start=f"<title>a</title><p>{opened}", unit="<p>x")


async def _content_type(attacker: Attacker, size: int, *, unit: str) -> None:
    head = f"200 OK\r\nContent-Type: {_HTML}; charset{unit * (size // len(unit))}"
    await _link(attacker, head, b"<title>a</title><body>")


async def _redirect(attacker: Attacker, size: int, *, unit: str) -> None:
    await _link(attacker, f"302 Found\r\nLocation: {unit * (size // len(unit))}", b"")


async def _picture(attacker: Attacker, size: int, *, unit: str) -> None:
    address = unit * (size // len(unit))
    await _link(
        attacker,
        f"200 OK\r\nContent-Type: {_HTML}",
        f"<title>a</title><base href='{address}'><meta property=og:image content='{address}'><body>".encode(),
    )


TABLE = [
    Largest("formatting elements", _PAGE, _tree),
    Largest("tags", _PAGE, partial(_page, unit="<b 1>")),
    Largest("tags of a head", _PAGE, partial(_page, unit="<meta property=og:title>")),
    Largest("attributes", _PAGE, partial(_page, start="<meta ", unit="content=a ")),
    Largest("open quotes", _PAGE, partial(_page, unit="<meta content='")),
    Largest("open comments", _PAGE, partial(_page, unit="<!--")),
    Largest("scripts in scripts", _PAGE, partial(_page, start="<script>", unit="<!--<script>")),
    Largest("drawings", _PAGE, partial(_page, unit="<svg>")),
    Largest("a title", _PAGE, partial(_page, start="<title>", unit="&#9;")),
    Largest("digits of a character", _PAGE, partial(_page, start="<title>&#", unit="9")),
    *(
        Largest(f"text in {charset}", _PAGE, partial(_page, start="<title>a</title>-", unit="99999a", charset=charset))
        for charset in ("punycode", "idna", "utf-7", "unicode_escape", "gbk", "iso-2022-jp", "utf-16", "replacement")
    ),
    Largest("parameters of a type", _HEADER, partial(_content_type, unit=";")),
    Largest("quotes of a type", _HEADER, partial(_content_type, unit='=";')),
    Largest("digits of a type", _HEADER, partial(_content_type, unit="*9")),
    Largest("an address to follow", _HEADER, partial(_redirect, unit="/../a")),
    Largest("a query to follow", _HEADER, partial(_redirect, unit="?a=1&")),
    Largest("an address of a picture", _PAGE // 4, partial(_picture, unit="../a/")),
    Largest("a query of a picture", _PAGE // 4, partial(_picture, unit="?&a=1")),
]
