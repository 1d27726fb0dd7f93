"""The largest requests: heads, addresses, bodies in chunks, forms, uploads."""

from __future__ import annotations

from functools import partial

from rigs.hostile.connections import Answer, send_and_close
from rigs.hostile.largest.budget import Attacker, Largest

_HEAD = 64 * 1024
_MEGABYTE = 1_000_000
_BODY = 256 * 1024
_FORM_BOUNDARY = "x0x"


async def _target(attacker: Attacker, size: int, *, start: str, unit: str, by: str | None = None) -> Answer | None:
    return await attacker.get(start + unit * (size // len(unit)), by)


async def _lines(attacker: Attacker, size: int, *, path: str, line: str) -> Answer | None:
    return await attacker.get(path, None, *[line] * (size // (len(line) + 2)))


async def _line(attacker: Attacker, size: int, *, path: str, start: str, unit: str) -> Answer | None:
    return await attacker.get(path, None, start + unit * (size // len(unit)))


async def _endless_head(attacker: Attacker, size: int) -> bytes:
    """A header that has no end when the client goes."""
    data = attacker.head("GET", "/healthz") + b"X: " + b"y" * size
    return await send_and_close(attacker.address, data, half_close=True, wait_s=10)


async def _endless_line(attacker: Attacker, size: int) -> bytes:
    return await send_and_close(attacker.address, b"GET /" + b"y" * size, half_close=True, wait_s=10)


async def _broken_off(attacker: Attacker, size: int) -> bytes:
    """A request whose body is interrupted is logged with its path; what looks like a token in the path is removed."""
    path = "/api/v1/conversations/" + "eyJ-" * (size // 4) + "/offers"
    data = attacker.head("POST", path, None, "Content-Length: 100") + b"\r\n{"
    return await send_and_close(attacker.address, data, half_close=True, wait_s=10)


async def _chunks(attacker: Attacker, size: int) -> Answer | None:
    head = attacker.head("POST", "/api/v1/messages", "member", "Transfer-Encoding: chunked")
    return await attacker.send(head + b"\r\n" + b"1\r\n \r\n" * size + b"0\r\n\r\n")


async def _trailers(attacker: Attacker, size: int) -> Answer | None:
    head = attacker.head("POST", "/api/v1/messages", "member", "Transfer-Encoding: chunked")
    return await attacker.send(head + b"\r\n2\r\n{}\r\n0\r\n" + b"a: b\r\n" * (size // 6) + b"\r\n")


async def _pipelined(attacker: Attacker, size: int) -> bytes:
    data = (attacker.head("GET", "/healthz") + b"\r\n") * size
    return await send_and_close(attacker.address, data, half_close=False, wait_s=10)


async def _token(attacker: Attacker, size: int) -> Answer | None:
    return await attacker.get("/api/v1/users/me", None, "Authorization: Bearer e30." + "e" * size + ".x")


async def _ranges(attacker: Attacker, size: int) -> Answer | None:
    file = attacker.scene.pools["file"][0]
    ranges = ",".join(["0-0"] * (size // 4))
    return await attacker.get(f"/api/v1/files/{file}/a", "author", f"Range: bytes={ranges}")


async def _etags(attacker: Attacker, size: int) -> Answer | None:
    file = attacker.scene.pools["file"][0]
    return await attacker.get(f"/api/v1/files/{file}/a", "author", "If-None-Match: " + '"a", ' * (size // 5))


# --- forms and uploads ----------------------------------------------------------------------------------------------


async def _form(attacker: Attacker, body: bytes, content_type: str = "") -> Answer | None:
    type_ = content_type or f"multipart/form-data; boundary={_FORM_BOUNDARY}"
    lines = (f"Content-Type: {type_}", f"Content-Length: {len(body)}")
    return await attacker.send(attacker.head("POST", "/api/v1/files", "author", *lines) + b"\r\n" + body)


async def _form_parts(attacker: Attacker, size: int) -> Answer | None:
    part = b'--x0x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    return await _form(attacker, part * (size // len(part)) + b"--x0x--\r\n")


async def _form_header(attacker: Attacker, size: int) -> Answer | None:
    name = b'--x0x\r\nContent-Disposition: form-data; name="' + b'\\"' * (size // 2) + b'"\r\n\r\na\r\n--x0x--\r\n'
    return await _form(attacker, name)


async def _form_near_boundaries(attacker: Attacker, size: int) -> Answer | None:
    start = b'--x0x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return await _form(attacker, start + b"\r\n--x0" * (size // 6) + b"\r\n--x0x--\r\n")


async def _form_type(attacker: Attacker, size: int) -> Answer | None:
    return await _form(attacker, b"--x--\r\n", "multipart/form-data; " + "a=b; " * (size // 5) + "boundary=x")


async def _tus_metadata(attacker: Attacker, size: int) -> Answer | None:
    metadata = ",".join(f"k{number} QQ==" for number in range(size // 11))
    lines = ("Tus-Resumable: 1.0.0", "Upload-Length: 1", f"Upload-Metadata: {metadata}", "Content-Length: 0")
    return await attacker.send(attacker.head("POST", "/api/v1/files", "author", *lines) + b"\r\n")


_CONVERSATIONS = "/api/v1/conversations"

TABLE = [
    Largest("an address", _HEAD, partial(_target, start="/", unit="a")),
    Largest("an address of slashes", _HEAD, partial(_target, start=f"{_CONVERSATIONS}/", unit="/a")),
    Largest("an address of escapes", _HEAD, partial(_target, start=f"{_CONVERSATIONS}/", unit="%2f", by="member")),
    Largest("an address of dots", _HEAD, partial(_target, start="/", unit="../")),
    Largest("a query of parameters", _HEAD, partial(_target, start=f"{_CONVERSATIONS}?a=1", unit="&a=1", by="member")),
    Largest(
        "a query of escapes", _HEAD, partial(_target, start=f"{_CONVERSATIONS}?cursor=", unit="%cc%95", by="member")
    ),
    Largest(
        "a query of a handshake", _HEAD, partial(_target, start="/socket.io/?EIO=4&transport=polling", unit="&a=1")
    ),
    Largest("a cursor", _HEAD, partial(_target, start="/api/v1/sync?after=", unit="9", by="member")),
    Largest("a cursor of a list", _HEAD, partial(_target, start=f"{_CONVERSATIONS}?cursor=", unit="WyJh", by="member")),
    Largest("a limit", _HEAD, partial(_target, start=f"{_CONVERSATIONS}?limit=", unit="9", by="member")),
    Largest("a message id", _HEAD, partial(_target, start="/api/v1/messages/", unit="9", by="member")),
    Largest("an address that is logged", _HEAD, _broken_off),
    Largest("headers", _MEGABYTE, partial(_lines, path="/healthz", line="a: b")),
    Largest(
        "one header again and again", _MEGABYTE, partial(_lines, path="/socket.io/?EIO=4&transport=polling", line="a:b")
    ),
    Largest(
        "forwarding headers",
        _HEAD,
        partial(_line, path="/api/v1/users/me", start="X-Forwarded-For: ", unit="1.1.1.1, "),
    ),
    Largest("a header", 32 * _MEGABYTE, partial(_line, path="/healthz", start="X: ", unit="y")),
    Largest("a cookie", _HEAD, partial(_line, path="/api/v1/users/me", start="Cookie: ", unit="a=b; ")),
    Largest("an accepted encoding", _HEAD, partial(_line, path="/", start="Accept-Encoding: ", unit="gzip;q=0.1, ")),
    Largest("a header without end", 32 * _MEGABYTE, _endless_head),
    Largest("a request line without end", 32 * _MEGABYTE, _endless_line),
    Largest("chunks of a byte", _BODY, _chunks),
    Largest("trailers", _MEGABYTE, _trailers),
    Largest("pipelined requests", 8_000, _pipelined),
    Largest("a token", _HEAD - 1000, _token),
    Largest("ranges of a file", _HEAD - 1000, _ranges),
    Largest("tags of a file", _HEAD - 1000, _etags),
    Largest("parts of a form", _MEGABYTE, _form_parts),
    Largest("a header of a form", _MEGABYTE, _form_header),
    Largest("near boundaries of a form", _MEGABYTE, _form_near_boundaries),
    Largest("a form's type", _HEAD - 1000, _form_type),
    Largest("metadata of an upload", _HEAD - 1000, _tus_metadata),
    Largest("the description of the API", 1, lambda attacker, _: attacker.get("/openapi.json")),
    Largest("the description of the events", 1, lambda attacker, _: attacker.get("/asyncapi.json")),
    Largest("the metrics", 1, lambda attacker, _: attacker.get("/metrics")),
]
