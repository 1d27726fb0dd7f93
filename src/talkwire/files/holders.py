"""Identifies folders of files by an id, and defines how a node reads files from folders of other nodes.

The rows of files and uploads name the id of their folder. Nodes that share a folder read the same id. So a node knows
without a request whether it has the bytes of a file, and if not, which node has them.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from talkwire.core.domain.errors import ChatError
from talkwire.filesystem import create_once, naming

_NAME = ".folder-id"
_ID = re.compile(r"[0-9a-f]{32}")
_ID_BYTES = 16
_OWNER_ONLY = 0o600


def folder_id(folder: Path) -> str:
    """Returns the id of a folder of files: 32 hexadecimal digits, which a file in the folder contains. Creates that
    file if it is missing. Raises OSError."""
    path = folder / _NAME
    while True:
        try:
            found = path.read_text("ascii").strip()
        except FileNotFoundError:
            _give_id(folder, path)
            continue
        if _ID.fullmatch(found) is None:
            raise OSError(f"{path}: invalid folder id; remove the file to get a new one")
        return found


def _give_id(folder: Path, path: Path) -> None:
    """Writes a new id of `folder` to the file `path` in one atomic step. If another process has written one meanwhile,
    that one stays."""
    draft = folder / f"{_NAME}.{token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with naming(draft), os.fdopen(descriptor, "w") as file:
            file.write(token_hex(_ID_BYTES))
        create_once(draft, path)
    finally:
        draft.unlink(missing_ok=True)


FORWARDED = "talkwire.forwarded"
"""Key in the ASGI scope of a request that another node has forwarded to this one."""


class HeldElsewhere(Exception):
    """Raised if the bytes of an upload are in a folder of another node, so that the request has to be forwarded to that
    node. `folder_id` is the folder's id.
    """

    def __init__(self, folder_id: str) -> None:
        super().__init__(f"the upload is in the folder {folder_id}")
        self.folder_id = folder_id


class HolderAway(ChatError):
    """The ChatError `unavailable` that is raised if the node that has the bytes of a file or an upload is not running,
    or does not respond."""

    def __init__(self, message: str) -> None:
        super().__init__("unavailable", message)


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """A client's HTTP request to forward to another node. `target` is the path with the query; `address` is the
    client's IP address.
    """

    method: str
    target: str
    address: str
    headers: Sequence[tuple[bytes, bytes]]
    """Names are in lower case."""


@dataclass(frozen=True, slots=True)
class ForwardedAnswer:
    """The HTTP response of the node to which a client's upload request was forwarded."""

    status: int
    headers: Mapping[str, str]
    """Names are in lower case."""
    body: bytes


class Reading(Protocol):
    """An open download of a part of a file: yields chunks of bytes. The reader calls `aclose`, also before the end."""

    def __aiter__(self) -> Reading: ...
    async def __anext__(self) -> bytes: ...
    async def aclose(self) -> None: ...


class Holders(Protocol):
    """Reads files from the folders of other nodes, and forwards requests about uploads to them.

    Each method raises HolderAway while no running node has the folder, or if the connection breaks. A file whose folder
    is unknown (None) is looked up in all folders.
    """

    async def total(self, folder_id: str | None, key: str) -> int:
        """Returns the length in bytes of a file's content or thumbnail in another node's folder.

        Raises FileNotFoundError if the folder is known and does not have the bytes.
        """
        ...

    async def read(self, folder_id: str | None, key: str, start: int, end: int) -> Reading:
        """Opens the bytes of a file from offset `start` up to, but not including, `end` in another node's folder.

        Raises FileNotFoundError if the folder is known and does not have the bytes.
        """
        ...

    async def forward(self, folder_id: str, request: ForwardedRequest, body: AsyncIterator[bytes]) -> ForwardedAnswer:
        """Forwards a client's request to the node that has the folder, streams `body` to it, and returns its response.

        Raises TusRefusal with HTTP status 410 if no running node has had the folder for a minute, so that the client
        restarts the upload; and whatever `body` raises.
        """
        ...
