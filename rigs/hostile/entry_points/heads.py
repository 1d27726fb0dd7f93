"""Bytes where an HTTP request is expected: request lines, headers, lengths and encodings that are nearly right."""

from __future__ import annotations

from rigs.hostile.connections import send_and_close
from rigs.hostile.run import Run

_METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "G\x00T", "PRI", "", "X" * 300)
_TARGETS = (
    "/healthz",
    "/",
    "*",
    "http://127.0.0.1/healthz",
    "http://[::1",
    "//",
    "/%",
    "/%00",
    "/\x80\xff",
    "/api/v1/users/me?token=" + "e" * 3000,
    "/api/v1/conversations/%ff",
    "/../../etc/passwd",
    "/socket.io",
    "/socket.io/?EIO=4&transport=polling",
    "/docs",
    "/openapi.json",
    "/metrics",
    "/readyz?verbose",
    "/" + "a" * 9000,
    "healthz",
    "",
)
_VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1.1", "HTTP/", "", "HTTP/1.1 ", "ICY")
_HEADERS = (
    "Host: 127.0.0.1",
    "Host: 127.0.0.1\r\nHost: other",
    "Host: \x00",
    "Content-Length: 0",
    "Content-Length: -1",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 99999999999999999999",
    "Content-Length: 0x10",
    "Content-Length: 100",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding : chunked",
    "Expect: 100-continue",
    "Connection: Upgrade\r\nUpgrade: websocket",
    "Connection: Upgrade\r\nUpgrade: h2c",
    "Connection: close, keep-alive",
    "Authorization: Bearer " + "." * 2000,
    "Cookie: " + "a=b; " * 500,
    "X: " + "y" * 5000,
    " folded",
    ":",
    "a",
    "ä: ö",
    "Origin: null",
    "Origin: http://\xff",
    "X-Forwarded-For: " + "1, " * 400,
    'Forwarded: for="',
    "Range: bytes=0-,-1,5-2",
    "Accept-Encoding: gzip;q=0.0001",
    "Content-Type: application/json",
)
_BODIES = (
    b"",
    b"{}",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhel",
    b"ffffffffffffffff\r\n",
    b"-1\r\n\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"0;a=" + b"b" * 2000 + b"\r\n\r\n",
    b"\x00" * 100,
)
_PLAIN_TARGETS = ("/healthz", "/readyz", "/docs", "/metrics", "/api/v1/users/me", "*")
_PLAIN_HEADERS = (
    "Host: 127.0.0.1",
    "Accept: */*",
    "Connection: keep-alive",
    "X: y",
    "Range: bytes=0-,-1,5-2",
    "Cookie: a",
)
_WAIT_S = 0.1
_ANSWER_S = 60.0


def head(run: Run) -> tuple[bytes, float]:
    """Returns something like a request, which may be broken off anywhere, and how many seconds to wait for an answer to
    it: not long, since many of them get none."""
    draw = run.random
    if run.values.chance(0.03):
        return draw.randbytes(draw.randrange(1, 400)), _WAIT_S
    if run.values.chance(0.2):
        return _plain(run)
    line = " ".join((draw.choice(_METHODS[:4] if draw.random() < 0.7 else _METHODS), draw.choice(_TARGETS)))
    version = draw.choice(_VERSIONS) if draw.random() < 0.3 else "HTTP/1.1"
    headers = ["Host: 127.0.0.1", *(draw.choice(_HEADERS) for _ in range(draw.choice((0, 0, 1, 2, 5, 60))))]
    end = draw.choice(("\r\n", "\n", "\r", "\r\n\t")) if draw.random() < 0.1 else "\r\n"
    data = end.join((f"{line} {version}", *headers, "", "")).encode("latin-1") + draw.choice(_BODIES)
    return (data[: draw.randrange(len(data) + 1)] if draw.random() < 0.25 else data), _WAIT_S


def _plain(run: Run) -> tuple[bytes, float]:
    """Returns a request as browsers send it, half of the times with one thing that they do not. The others are always
    answered, however busy the machine is."""
    draw = run.random
    lines = [f"{draw.choice(_METHODS[:5])} {draw.choice(_PLAIN_TARGETS)} HTTP/1.1"]
    lines += draw.sample(_PLAIN_HEADERS, 3)
    wait_s = _ANSWER_S
    if draw.random() < 0.5:
        lines.append(draw.choice(_HEADERS))
        wait_s = _WAIT_S
    return "\r\n".join((*lines, "", "")).encode("latin-1"), wait_s


async def attack(run: Run) -> None:
    while run.goes_on():
        data, wait_s = head(run)
        response = await send_and_close(run.address, data, half_close=run.values.chance(0.4), wait_s=wait_s)
        status = response[9:12].decode("latin-1") if response.startswith(b"HTTP/") else "none"
        run.count(status)
        # Some of these statuses are right for versions and encodings of HTTP that are not implemented.
        if status in {"500", "502", "503", "504"}:
            run.fail(data, response.decode("latin-1"))
