"""Changes of a node's list of connected users, as nodes send them to each other: in full, or in a compact form.

Most changes are of two kinds: a user has connected and is active, or has left. Their compact forms name no field and
leave out what is as usual, and the conversations of a user who has connected are numbers. A node that has many others
sends these: every node receives each change, though few keep it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from talkwire.core.domain.log.positions import own_id_at, own_pos
from talkwire.core.domain.model import PresenceRecord


class Choice(msgspec.Struct, frozen=True):
    """A user has chosen a status or a text. `everywhere`: the status holds for all of the user's devices. `was_hidden`:
    the user was invisible until then; None if that is not known."""

    everywhere: bool = False
    was_hidden: bool | None = None


class UserMove(msgspec.Struct, frozen=True):
    """A change of one user in a node's list of connected users. `away`: all of the user's devices on the node are away;
    None if the user has left it. `record` is the stored presence, `choice` a newly chosen status or text.

    The user's contacts are the members of the conversations `circle_ids`, without the users `blocked_ids`, whom the
    user has blocked. `circle_ids` is None if the node does not have the user in memory.
    """

    record: PresenceRecord
    away: bool | None
    choice: Choice | None = None
    circle_ids: tuple[str, ...] | None = None
    blocked_ids: tuple[str, ...] = ()


class Came(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """A user has connected and is active, or is and has joined or left a conversation. `user` is the user's id, or its
    log position, if the server gave it. `circle` are the positions of
    those of the user's conversations whose ids were given by the server, as `_packed` returns them; `named_ids` are the
    ids that were given by the application."""

    user: str | int
    circle: bytes
    named_ids: tuple[str, ...] = ()
    blocked_ids: tuple[str, ...] = ()


class Left(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A user has left the node. `user` is as in `Came`, `last_seen_ms` is when, in milliseconds since 1970."""

    user: str | int
    last_seen_ms: int | None


class Other(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Any other change."""

    move: UserMove


CompactMove = Came | Left | Other


def compact(move: UserMove) -> CompactMove:
    """Returns a change in its compact form. The conversations of a user who has left are left out, and when a user was
    last seen who is there."""
    user_id, seen_ms = move.record.user_id, move.record.last_seen_ms
    user = _short(user_id)
    is_usual = move.choice is None and move.record == PresenceRecord(user_id, last_seen_ms=seen_ms)
    if move.away is None:
        known = msgspec.structs.replace(move, circle_ids=None, blocked_ids=())
        return Left(user, seen_ms) if is_usual else Other(known)
    if not is_usual or move.away or move.circle_ids is None:
        return Other(move)
    positions = {id_: own_pos(id_) for id_ in move.circle_ids}
    named = tuple(id_ for id_, pos in positions.items() if pos is None)
    return Came(user, _packed(pos for pos in positions.values() if pos is not None), named, move.blocked_ids)


def expanded(move: CompactMove) -> UserMove:
    """Returns the change of which `move` is the compact form. Raises ValueError if its conversations are malformed."""
    match move:
        case Came():
            circle_ids = (*map(own_id_at, _unpacked(move.circle)), *move.named_ids)
            record = PresenceRecord(_long(move.user))
            return UserMove(record, away=False, circle_ids=circle_ids, blocked_ids=move.blocked_ids)
        case Left():
            return UserMove(PresenceRecord(_long(move.user), last_seen_ms=move.last_seen_ms), away=None)
        case Other():
            return move.move


def _short(user_id: str) -> str | int:
    pos = own_pos(user_id)
    return user_id if pos is None else pos


def _long(user: str | int) -> str:
    return user if isinstance(user, str) else own_id_at(user)


def _packed(positions: Iterable[int]) -> bytes:
    """Returns log positions as the differences between them in ascending order: blocks of at most `_BLOCK` of them,
    each the number of bits of the largest, in a byte, and all of them with so many bits, the first one lowest."""
    ascending = sorted(positions)
    gaps = [pos - before for before, pos in pairwise((0, *ascending))]
    packed = bytearray()
    for start in range(0, len(gaps), _BLOCK):
        block = gaps[start : start + _BLOCK]
        bits = max(_BITS_MIN, max(block).bit_length())
        number = 0
        for gap in reversed(block):
            number = number << bits | gap
        packed.append(bits)
        packed += number.to_bytes((bits * len(block) + 7) // 8, "little")
    return bytes(packed)


def _unpacked(packed: bytes) -> Iterator[int]:
    pos = start = 0
    while start < len(packed):
        bits = packed[start]
        if not _BITS_MIN <= bits <= _BITS_MAX:
            raise ValueError(f"numbers of {bits} bits")
        block = packed[start + 1 : start + 1 + (bits * _BLOCK + 7) // 8]
        start += 1 + len(block)
        number = int.from_bytes(block, "little")
        for _ in range(min(_BLOCK, 8 * len(block) // bits)):
            pos += number & ((1 << bits) - 1)
            number >>= bits
            yield pos


_BLOCK = 32
"""Number of differences of one block, which has the number of bits that its largest one needs."""

_BITS_MAX = 63
"""Most bits of a log position."""

_BITS_MIN = 8
"""Fewest bits of a packed difference, so that the bits that fill the last byte are too few for another one."""
