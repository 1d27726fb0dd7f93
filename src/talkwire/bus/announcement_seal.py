"""Encodes and authenticates announcements of events, and the announced events themselves.

    block = log position (8 bytes) + announcements
    announcement = sender's mark (1 byte) + last bytes of the log position (3) + conversation hash (4) + MAC (6)
    event = MAC (16 bytes) + body

Announcements of all nodes are published together in a block. Each is of the position that is nearest to the block's and
ends with its bytes: those of some milliseconds are close to each other. Each has a MAC of its own, which covers the
whole position and the sender's whole id. A copy or a delayed one does no harm, since it says the same of the same
position. Who guesses a MAC could hide one event from the nodes that do not need the announced conversation: 6 bytes
leave no chance of that, and every node counts what it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import NamedTuple, Protocol

from talkwire.bus.seal import MAC_BYTES
from talkwire.core.ports.bus import Announcement

ENTRY_BYTES = 14
"""Size of one announcement in a block, in bytes."""

BLOCK_HEAD_BYTES = 8
"""Size of the head of a block, in front of its announcements, in bytes."""

_SHORT_MAC_BYTES = 6

_SENDERS_MAX = 1024
"""Most senders whose ids are kept. Each start of a node is a new sender."""

_Content = Struct(">QI")
_Entry = Struct(f">c3sI{_SHORT_MAC_BYTES}s")
_LOW = 1 << 24
_PURPOSE = b"announcement"
_EVENT_PURPOSE = b"event"


class _Hash(Protocol):
    """What is used of a keyed hash."""

    def copy(self) -> _Hash: ...
    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


class OpenedBlock(NamedTuple):
    """The announcements of other nodes in a block, and how many in it were invalid."""

    announcements: list[Announcement]
    refused: int


class AnnouncementSeal:
    """Encodes and verifies announcements and announced events with the log's key, for the node `node_id`."""

    def __init__(self, key: bytes, node_id: str) -> None:
        self._key = key
        self._node_id = node_id
        self._senders: dict[str, _Hash] = {}
        self._by_mark: dict[bytes, list[str]] = {}
        self.learn(node_id)

    def learn(self, node_id: str) -> None:
        """Records the id of a node, so that its announcements can be verified. Those of unknown nodes are ignored."""
        if node_id in self._senders:
            return
        if len(self._senders) >= _SENDERS_MAX:
            self._forget(next(known for known in self._senders if known != self._node_id))
        self._senders[node_id] = self._hash(_PURPOSE, node_id, _SHORT_MAC_BYTES)
        self._by_mark.setdefault(_mark(node_id), []).append(node_id)

    def entry(self, pos: int, conversation_hash: int) -> bytes:
        """Returns the announcement of an event of this node at a log position, as bytes."""
        mac = self._mac(self._node_id, _Content.pack(pos, conversation_hash))
        return _Entry.pack(_mark(self._node_id), pos.to_bytes(8)[-3:], conversation_hash, mac)

    def open(self, data: bytes) -> OpenedBlock:
        """Returns the valid announcements of other nodes in a block from the network."""
        announcements, refused = list[Announcement](), 0
        for mark, content, mac in _entries(data):
            node_ids = self._by_mark.get(mark, ())
            sender = next((id_ for id_ in node_ids if compare_digest(mac, self._mac(id_, content))), None)
            if sender is None:
                refused += bool(node_ids)
                continue
            if sender != self._node_id:
                announcements.append(Announcement(sender, *_Content.unpack(content)))
        return OpenedBlock(announcements, refused)

    def seal_event(self, pos: int, body: bytes) -> bytes:
        """Returns an announced event of this node at a log position with its MAC, for other nodes to fetch."""
        return self._event_mac(self._node_id, pos, body) + body

    def open_event(self, node_id: str, pos: int, sealed: bytes) -> memoryview | None:
        """Returns the body of a fetched event that the node `node_id` has announced at a log position; None if its MAC
        is invalid."""
        view = memoryview(sealed)
        body = view[MAC_BYTES:]
        return body if compare_digest(view[:MAC_BYTES], self._event_mac(node_id, pos, body)) else None

    def _forget(self, node_id: str) -> None:
        del self._senders[node_id]
        self._by_mark[_mark(node_id)].remove(node_id)

    def _hash(self, purpose: bytes, node_id: str, size: int) -> _Hash:
        return blake2b(node_id.encode(), key=self._key, digest_size=size, person=purpose)

    def _mac(self, node_id: str, content: bytes) -> bytes:
        keyed = self._senders[node_id].copy()
        keyed.update(content)
        return keyed.digest()

    def _event_mac(self, node_id: str, pos: int, body: bytes | memoryview) -> bytes:
        keyed = self._hash(_EVENT_PURPOSE, node_id, MAC_BYTES)
        keyed.update(pos.to_bytes(8))
        keyed.update(body)
        return keyed.digest()


def _mark(node_id: str) -> bytes:
    return blake2b(node_id.encode(), digest_size=1).digest()


def head_of(pos: int) -> bytes:
    """Returns what is in front of the announcements of a block; `pos` is the position of one of them."""
    return pos.to_bytes(BLOCK_HEAD_BYTES)


def _entries(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yields (mark, position and hash, MAC) of each announcement in a block."""
    near = int.from_bytes(data[:BLOCK_HEAD_BYTES])
    for start in range(BLOCK_HEAD_BYTES, len(data) - ENTRY_BYTES + 1, ENTRY_BYTES):
        mark, low, conversation_hash, mac = _Entry.unpack_from(data, start)
        ahead = (int.from_bytes(low) - near + _LOW // 2) % _LOW - _LOW // 2
        if 0 <= near + ahead < 1 << 64:
            yield mark, _Content.pack(near + ahead, conversation_hash), mac
