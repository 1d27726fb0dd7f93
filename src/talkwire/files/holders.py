"""Folders of bytes, and the nodes that have them.

Each folder has an id of its own, which rows of files and uploads name. Nodes that share a folder read the same id, so a
node knows without asking whether it has the bytes of a file, and if not, which node does.
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

_NAME = ".folder-id"
_ID = re.compile(r"[0-9a-f]{32}")
_ID_BYTES = 16
_OWNER_ONLY = 0o600


def folder_id(folder: Path) -> str:
    """Returns the id of a folder; the first process that asks gives it one. Raises OSError."""
    path = folder / _NAME
    while True:
        try:
            found = path.read_text("ascii").strip()
        except FileNotFoundError:
            _give_id(folder, path)
            continue
        if _ID.fullmatch(found) is None:
            raise OSError(f"{path}: this is no folder id; remove the file to have a new one")
        return found


def _give_id(folder: Path, path: Path) -> None:
    """Puts the id there whole, or leaves the one that another process has put there."""
    draft = folder / f"{_NAME}.{token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(token_hex(_ID_BYTES))
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


FORWARDED = "talkwire.forwarded"
"""A key in the scope of a request that another node has forwarded to this one."""


class HeldElsewhere(Exception):
    """The bytes of an upload are in a folder that this node does not have."""

    def __init__(self, folder_id: str) -> None:
        super().__init__(f"the upload is in the folder {folder_id}")
        self.folder_id = folder_id


class HolderAway(ChatError):
    """The node that has the bytes does not run, or does not answer."""

    def __init__(self, message: str) -> None:
        super().__init__("unavailable", message)


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """A client's request for another node. `target` is its path with the query; `address` is the client's."""

    method: str
    target: str
    address: str
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class ForwardedAnswer:
    """What the other node has answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Reading(Protocol):
    """A part of a file's bytes. Whoever has one calls `aclose`, also when they have not read it to the end."""

    def __aiter__(self) -> Reading: ...
    async def __anext__(self) -> bytes: ...
    async def aclose(self) -> None: ...


class Holders(Protocol):
    """The other nodes, by the folders that they have. Each call raises HolderAway while no running node has the folder,
    or the connection to it breaks. A file whose folder is unknown is looked for in all folders."""

    async def total(self, folder_id: str | None, key: str) -> int:
        """Returns how many bytes a part of a finished file has. Raises FileNotFoundError when its folder, where that
        is known, does not have it."""
        ...

    async def read(self, folder_id: str | None, key: str, start: int, end: int) -> Reading:
        """Opens a part of a finished file. Raises FileNotFoundError as `total` does."""
        ...

    async def forward(self, folder_id: str, request: ForwardedRequest, body: AsyncIterator[bytes]) -> ForwardedAnswer:
        """Has another node answer a request, whose body is sent as it comes. Raises TusRefusal 410 when the node has
        been gone for too long to be waited for, and whatever `body` raises."""
        ...
