"""Serves the official Socket.IO client's JavaScript bundles, such as `GET /socket.io/socket.io.js`, for pages that load
the client from their server.

Pages of any origin may load them: they are public, and browsers load scripts without CORS. `make install` copies them
from the npm package into the Python package.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

BUNDLE_FOLDER = Path(__file__).parents[2] / "web" / "socket.io"
"""Folder of Socket.IO's client for browsers, as it was built."""

NAMES = tuple(
    name
    for bundle in ("socket.io.js", "socket.io.min.js", "socket.io.esm.min.js")
    for name in (bundle, f"{bundle}.map")
)
"""Names of the files of Socket.IO's client that the server offers."""

_NOT_BUILT = b"The client's bundle is not built: run make install.\n"
_ALLOW = b"GET, HEAD"
_COMMON = (
    (b"cache-control", b"public, max-age=0"),
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"accept-encoding"),
)

Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    compressed: bytes | None
    """The content in gzip; None if it was not compressed at build time."""
    etag: bytes

    @classmethod
    def read(cls, path: Path) -> _File:
        """Reads a bundle and, if there is one, its gzip-compressed form from disk. Raises FileNotFoundError."""
        content = path.read_bytes()
        compressed = path.with_name(f"{path.name}.gz")
        digest = sha256(content).hexdigest()[:32].encode()
        # A weak tag: it identifies both the plain and the compressed form.
        return cls(content, compressed.read_bytes() if compressed.exists() else None, b'W/"%b"' % digest)


class ClientBundle:
    """An ASGI application that serves the Socket.IO client's bundles below a path such as `/socket.io/`."""

    def __init__(self, path: str, folder: Path = BUNDLE_FOLDER) -> None:
        self._path = path
        self._folder = folder
        self._files: dict[str, _File | None] = {}

    def serves(self, path: str) -> bool:
        """Returns whether a request path names one of the bundles, whether or not they are built."""
        return path.startswith(self._path) and path[len(self._path) :] in NAMES

    async def __call__(self, scope: Mapping[str, Any], receive: object, send: Send) -> None:  # noqa: ARG002 (ASGI)
        name = scope["path"][len(self._path) :]
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, [(b"allow", _ALLOW)], b"")
            return
        file = self._file(name)
        if file is None:
            await _answer(send, 404, [(b"content-type", b"text/plain")], _NOT_BUILT)
            return
        fields = dict(scope["headers"])
        headers = [*_COMMON, (b"etag", file.etag)]
        if _is_known(fields.get(b"if-none-match", b""), file.etag):
            await _answer(send, 304, headers, None)
            return
        kind = b"application/json" if name.endswith(".map") else b"text/javascript"
        headers.append((b"content-type", kind + b"; charset=utf-8"))
        content = file.content
        if file.compressed is not None and b"gzip" in fields.get(b"accept-encoding", b""):
            content = file.compressed
            headers.append((b"content-encoding", b"gzip"))
        await _answer(send, 200, headers, content, has_body=scope["method"] == "GET")

    def _file(self, name: str) -> _File | None:
        """Returns a bundle by its name, read from disk at the first request; None if the bundles are not built."""
        if name not in self._files:
            path = self._folder / name
            self._files[name] = _File.read(path) if path.is_file() else None
        return self._files[name]


def _is_known(if_none_match: bytes, etag: bytes) -> bool:
    known = {tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")}
    return etag.removeprefix(b"W/") in known or b"*" in known


async def _answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes | None, *, has_body: bool = True
) -> None:
    """Sends an HTTP response. `body` is None for a status that has no body, such as 304. If `has_body` is False (for
    HEAD), only the body's length is sent.
    """
    length = [] if body is None else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body if body is not None and has_body else b""})
