"""Changes of who is connected to a node, in their compact form."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from talkwire.bus.parcels import Unpacker, encode, pack
from talkwire.core.domain.events import UsersMoved, UsersMovedCompactly
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import PresenceRecord
from talkwire.core.domain.nodes.user_moves import Came, Choice, UserMove, compact, expanded
from talkwire.core.ports.bus import EphemeralBatch

POSITIONS = st.integers(0, 10**15 - 1)
IDS = st.text(max_size=20) | POSITIONS.map(own_id_at) | st.sampled_from(["8000000000000000", "08000000000000001", "-1"])
TIMES_MS = st.none() | st.integers(0, 2**53)
RECORDS = st.builds(
    PresenceRecord,
    IDS,
    st.sampled_from(["online", "away", "dnd", "invisible"]),
    st.none() | st.text(max_size=5),
    TIMES_MS,
    TIMES_MS,
    TIMES_MS,
) | st.builds(PresenceRecord, IDS, last_seen_ms=TIMES_MS)
CHOICES = st.none() | st.builds(Choice, st.booleans(), st.none() | st.booleans())
CIRCLES = st.none() | st.lists(IDS, unique=True, max_size=6).map(tuple)
MOVES = st.builds(UserMove, RECORDS, st.none() | st.booleans(), CHOICES, CIRCLES, st.lists(IDS, max_size=3).map(tuple))


def _sent(move: UserMove) -> UserMove:
    """Returns a change as another node receives it in its compact form."""
    moved = UsersMovedCompactly("n1", 4, 5, (compact(move),))
    encoded = encode(EphemeralBatch("n1", (moved,)))
    assert encoded is not None
    [batch] = Unpacker(1 << 20).unpack(pack([encoded]))
    assert isinstance(batch, EphemeralBatch)
    [received] = batch.events
    assert isinstance(received, UsersMovedCompactly)
    return expanded(received.moves[0])


@given(MOVES)
def test_a_compact_change_says_the_same(move: UserMove) -> None:
    sent = _sent(move)
    expected = move
    if move.away is None:
        expected = replace(move, circle_ids=None, blocked_ids=())
    elif isinstance(compact(move), Came):
        expected = replace(move, record=replace(move.record, last_seen_ms=None))
    assert _sorted(sent) == _sorted(expected)


def _sorted(move: UserMove) -> UserMove:
    """Returns a change with its conversations in order: which is first means nothing."""
    return move if move.circle_ids is None else replace(move, circle_ids=tuple(sorted(move.circle_ids)))


def test_usual_changes_are_short() -> None:
    circle_ids = tuple(own_id_at(10**10 + 3 * 10**9 * number) for number in range(30))
    came = UserMove(PresenceRecord(own_id_at(7)), away=False, circle_ids=circle_ids)
    left = UserMove(PresenceRecord(own_id_at(7), last_seen_ms=1_700_000_000_000), away=None)
    sizes = [len(msgspec.msgpack.encode(compact(move))) for move in (came, left)]
    assert sizes[0] <= 30 * 4.5 + 10
    assert sizes[1] <= 16
    assert sizes[0] * 3 < len(msgspec.msgpack.encode(UsersMoved("n1", 4, 5, (came,))))


@given(st.sets(POSITIONS, max_size=300))
def test_all_conversations_of_a_user_arrive(positions: set[int]) -> None:
    circle_ids = tuple(map(own_id_at, sorted(positions)))
    assert (
        expanded(compact(UserMove(PresenceRecord("alice"), away=False, circle_ids=circle_ids))).circle_ids == circle_ids
    )


@pytest.mark.parametrize("circle", [b"\x07\xff", b"\x40" + b"\xff" * 8, b"\x08" + b"\x01" * 32 + b"\xff"])
def test_malformed_conversations_are_an_error(circle: bytes) -> None:
    with pytest.raises(ValueError, match="bits"):
        expanded(Came("alice", circle))
