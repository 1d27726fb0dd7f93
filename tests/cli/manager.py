"""The service manager's side of sd_notify(3): a socket that receives states, each with the process that sent it."""

from __future__ import annotations

import array
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.waiting import DEADLINE_S

_CREDENTIALS = struct.Struct("3i")


class State(NamedTuple):
    text: str
    pid: int


class Manager:
    """Receives the states of services that have `address` as NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.settimeout(DEADLINE_S)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)

    def receive(self) -> State:
        """Returns the next state."""
        text, ancillary, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
        ((_, _, credentials),) = ancillary
        pid, _, _ = array.array("i", bytes(credentials[: _CREDENTIALS.size]))
        return State(text.decode(), pid)

    def has_none(self) -> bool:
        """Returns whether no further state has arrived."""
        self._socket.setblocking(False)
        try:
            self._socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(DEADLINE_S)
        return False

    def close(self) -> None:
        self._socket.close()


@contextmanager
def listening_manager(*, abstract: bool = False) -> Iterator[Manager]:
    """Yields a manager. Its folder has a short name: the address of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="manager-") as folder:
        manager = Manager(f"@{folder}" if abstract else str(Path(folder, "notify")))
        try:
            yield manager
        finally:
            manager.close()
