"""The interface through which the operators' console lists and closes the signed-in sockets of a node."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec


class ConnectionKey(NamedTuple):
    """The sort key of connections: the time when a connection was made (milliseconds since 1970), then its id."""

    connected_ms: int
    id: str


class ConnectionRecord(msgspec.Struct, frozen=True):
    """A signed-in socket. `id` is its socket id, `connected_ms` its time of connecting in milliseconds since 1970.

    The time is that of the clock of the socket's node.
    """

    id: str
    user_id: str
    transport: str
    dialect: str
    node_id: str
    address: str
    connected_ms: int

    @property
    def key(self) -> ConnectionKey:
        return ConnectionKey(self.connected_ms, self.id)


class WantedConnections(msgspec.Struct, frozen=True):
    """A request for a page of connections: the newest `limit` ones. With a key as `before`, only those that sort before
    this key count, so that a page begins where the former one ended.

    `dialect` and `user_id` restrict the page to the sockets with this dialect or of this user; None restricts nothing.
    """

    limit: int
    dialect: str | None = None
    user_id: str | None = None
    before: ConnectionKey | None = None

    def includes(self, record: ConnectionRecord) -> bool:
        return (
            self.dialect in {None, record.dialect}
            and self.user_id in {None, record.user_id}
            and (self.before is None or record.key < self.before)
        )


class LocalConnections(Protocol):
    """The signed-in sockets of this node (server process), which the operators' console can list and close."""

    @property
    def count(self) -> int: ...

    def find(self, wanted: WantedConnections) -> Awaitable[Sequence[ConnectionRecord]]:
        """Returns the connections that `wanted` asks for, newest first. Other tasks may run while it searches."""
        ...

    def get(self, socket_id: str) -> ConnectionRecord | None: ...

    def end(self, socket_id: str) -> bool:
        """Closes the socket with this id. Returns False if this node has no such socket."""
        ...

    def count_of(self, user_ids: Collection[str]) -> Mapping[str, int]:
        """Returns the number of sockets by user id; users without a socket are missing."""
        ...
