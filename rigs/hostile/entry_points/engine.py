"""Engine.IO over HTTP: handshakes, upgrade requests, and what a polling session is sent."""

from __future__ import annotations

import asyncio
import base64
import json

from rigs.hostile.connections import ConnectionEnded, HttpConnection, send_and_close, upgrade_head
from rigs.hostile.entry_points import packets
from rigs.hostile.run import Run

_QUERY = (
    ("EIO", ("4", "3", "", "04", "4.0", "٤", "9" * 300)),
    ("transport", ("polling", "websocket", "webtransport", "", "Polling", "polling\x00", "p" * 2000)),
    ("sid", ("", "x", "0" * 20, "__proto__", "constructor", "a" * 3000, "é", "%00")),
    ("t", ("abc", "x" * 1000)),
    ("b64", ("1",)),
    ("j", ("0", "9" * 30)),
    ("token", ("e.e.e", "\x00")),
    ("recovery", ("1", "maybe")),
    ("dialect", ("crm", "none", "\u0301" * 100)),
)
_HEADERS = (
    "Origin: null",
    "Origin: http://evil.example",
    "Origin: \x01",
    "Origin: http://127.0.0.1:99999",
    "Origin: http://[",
    "Sec-WebSocket-Protocol: a, b,, c",
    "Sec-WebSocket-Protocol: " + "p" * 4000,
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99",
    "X-Forwarded-For: ::1, ,",
    "Authorization: Bearer x",
    "Cookie: io=" + "x" * 100,
    "Content-Length: 3",
)
_SEPARATOR = "\x1e"
_SETTLED_S = 3.0


async def attack_with_handshakes(run: Run) -> None:
    """Requests that open a session, or should not; a third of them for a WebSocket."""
    http = HttpConnection(run.address)
    while run.goes_on():
        target = f"/socket.io/?{_query(run)}"
        headers = "".join(f"{run.random.choice(_HEADERS)}\r\n" for _ in range(run.random.choice((0, 0, 1, 2))))
        if run.values.chance(0.35):
            data = _upgrade(run, target, headers)
            response = await send_and_close(run.address, data, half_close=False, wait_s=0.1)
            run.count(response[9:12].decode("latin-1") or "none")
            if response[9:10] == b"5":
                run.fail(data, response.decode("latin-1"))
        else:
            method = (
                "GET" if run.values.chance(0.85) else run.random.choice(("POST", "PUT", "OPTIONS", "HEAD", "DELETE"))
            )
            plain = "".join(f"{line}\r\n" for line in headers.split("\r\n") if line and "Content" not in line)
            request = f"{method} {target} HTTP/1.1\r\nHost: {run.host}\r\n{plain}\r\n"
            await run.exchange(http, [request.encode("latin-1", "replace")])
    http.close()


def _query(run: Run) -> str:
    parts = []
    for name, values in _QUERY:
        right = name in {"EIO", "transport"}
        if run.values.chance(0.97 if right else 0.15):
            value = values[0] if right and run.values.chance(0.8) else run.random.choice(values)
            parts.append(f"{name}={run.values.quoted(value)}")
    if run.values.chance(0.1):
        parts.append(run.random.choice(parts or ["&"]))
    if run.values.chance(0.1):
        parts.append(run.values.quoted(run.values.text()[:100]))
    return "&".join(parts)


def _upgrade(run: Run, target: str, headers: str) -> bytes:
    head = upgrade_head(run.host, target.replace("transport=polling", "transport=websocket"), headers).decode("latin-1")
    if run.values.chance(0.5):
        old, new = run.random.choice(
            (
                ("dGhlIHNhbXBsZSBub25jZQ==", run.random.choice(("", "short", "x" * 3000, "é"))),
                ("Version: 13", "Version: " + run.random.choice(("8", "", "13, 8", "x"))),
                ("Upgrade: websocket", "Upgrade: " + run.random.choice(("WebSocket", "h2c", "websocket, x", ""))),
                ("GET ", run.random.choice(("POST ", "HEAD ", "get "))),
                ("HTTP/1.1", run.random.choice(("HTTP/1.0", "HTTP/2.0"))),
            )
        )
        head = head.replace(old, new)
    return head.encode("latin-1") + (run.random.randbytes(20) if run.values.chance(0.1) else b"")


# --- polling sessions -----------------------------------------------------------------------------------------------


async def attack_with_polling(run: Run) -> None:
    """Sessions that are sent payloads, and polled after each, until one payload ends them."""
    http = HttpConnection(run.address)
    while run.goes_on():
        sid = await _open(run, http)
        if sid is None:
            continue
        target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        if run.values.chance(0.7):
            await run.exchange(http, [_post(run, target, f'40{{"token":"{run.scene.tokens["member"]}"}}'.encode())])
        while run.goes_on() and await _post_and_poll(run, http, target):
            pass
    http.close()


async def _open(run: Run, http: HttpConnection) -> str | None:
    request = f"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: {run.host}\r\n\r\n"
    answers = await run.exchange(http, [request.encode()])
    return str(json.loads(answers[0].body[1:])["sid"]) if answers and answers[0].status == 200 else None


async def _post_and_poll(run: Run, http: HttpConnection, target: str) -> bool:
    """Returns whether the session is still open: a CONNECT_ERROR behind the payload answers the poll."""
    answers = await run.exchange(http, [_post(run, target, _payload(run))])
    if not answers or answers[0].status != 200:
        return False
    answers = await run.exchange(http, [_post(run, target, b"40/none,")])
    if not answers or answers[0].status != 200:
        return False
    poll = f"GET {target} HTTP/1.1\r\nHost: {run.host}\r\n\r\n".encode()
    try:
        async with asyncio.timeout(_SETTLED_S):
            answers = await http.exchange([poll])
    except (TimeoutError, ConnectionEnded):
        run.count("silent")
        http.close()
        return False
    run.judge(poll, answers[0])
    return answers[0].status == 200


def _payload(run: Run) -> bytes:
    draw = run.random
    count = draw.choice((1, 1, 2, 5, 40 if draw.random() < 0.1 else 3))
    parts = []
    for _ in range(count):
        kind = draw.random()
        if kind < 0.75:
            parts.append("4" + packets.harmless(run))
        elif kind < 0.85:
            parts.append("b" + base64.b64encode(draw.randbytes(draw.randrange(30))).decode()[: draw.randrange(1, 44)])
        elif kind < 0.95:
            parts.append("4" + packets.packet(run))
        else:
            parts.append(draw.choice(("", "1", "2", "2probe", "3", "5", "6", "9", "\x00", "bé", "b_-", "b====", "4")))
    body = _SEPARATOR.join(parts)
    if draw.random() < 0.05:
        body = draw.choice((_SEPARATOR * 5, _SEPARATOR + body, body + _SEPARATOR, ""))
    return body.encode("utf-8", "surrogatepass")


def _post(run: Run, target: str, body: bytes) -> bytes:
    content_type = "text/plain;charset=UTF-8"
    if run.values.chance(0.03):
        content_type = run.random.choice(("application/octet-stream", "text/plain;charset=utf-16", "\xff", ""))
    lines = (f"POST {target} HTTP/1.1", f"Host: {run.host}", f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
