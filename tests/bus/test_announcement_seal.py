"""Which announcements and announced events a node accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.bus import announcement_seal
from talkwire.bus.announcement_seal import ENTRY_BYTES, AnnouncementSeal, head_of
from talkwire.core.domain.log.positions import LOGS_MAX, begins_after
from talkwire.core.ports.bus import Announcement

KEY = b"k" * 32
POSITION_MAX = begins_after(LOGS_MAX)
POSITIONS = st.integers(1, POSITION_MAX)
NEAR = (1 << 23) - 1
"""How far positions in one block may be from its head."""

HASHES = st.integers(0, 2**32 - 1)


def seal(node_id: str, *known: str, key: bytes = KEY) -> AnnouncementSeal:
    made = AnnouncementSeal(key, node_id)
    for other_id in known:
        made.learn(other_id)
    return made


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(-NEAR, NEAR), HASHES), max_size=10), POSITIONS)
def test_a_block_tells_what_known_nodes_have_announced(given: list[tuple[str, int, int]], near: int) -> None:
    entries = [Announcement(id_, min(max(near + ahead, 0), POSITION_MAX), hash_) for id_, ahead, hash_ in given]
    block = head_of(near) + b"".join(seal(each.node_id).entry(*each[1:]) for each in entries)
    found, refused = seal("a", "b").open(block)
    assert found == [each for each in entries if each.node_id == "b"], "others than itself that it knows"
    assert refused == 0


@pytest.mark.parametrize("byte", range(ENTRY_BYTES))
def test_a_changed_announcement_is_not_accepted(byte: int) -> None:
    reader = seal("a", "b")
    entry = bytearray(seal("b").entry(7, 9))
    entry[byte] ^= 1
    found, refused = reader.open(head_of(8) + bytes(entry) + seal("b").entry(8, 9))
    assert found == [Announcement("b", 8, 9)]
    assert refused == (byte >= 1), "the first byte is of a sender that it does not know"


@pytest.mark.parametrize(
    ("block", "refused"),
    [
        (b"", 0),
        (b"x", 0),
        (head_of(7), 0),
        (head_of(7) + b"\0" * ENTRY_BYTES, 0),
        (head_of(7) + seal("b").entry(7, 9)[:-1], 0),
        (head_of(7) + seal("b", key=b"x" * 32).entry(7, 9), 1),
        (head_of(7 + (1 << 24)) + seal("b").entry(7, 9), 1),
        (head_of(0) + seal("b").entry((1 << 24) - 1, 9), 0),
    ],
    ids=["empty", "short", "only a head", "of nobody", "cut off", "another key", "far away", "below the first"],
)
def test_what_is_no_announcement_is_ignored(block: bytes, refused: int) -> None:
    assert seal("a", "b").open(block) == ([], refused)


def _mark_of(node_id: str) -> bytes:
    return seal(node_id).entry(1, 1)[:1]


def test_announcements_of_nodes_with_the_same_mark_are_distinguished() -> None:
    node_id = "n0"
    other_id = next(id_ for id_ in map("n{}".format, range(1, 10_000)) if _mark_of(id_) == _mark_of(node_id))
    reader = seal("a", node_id, other_id)
    block = head_of(2) + seal(node_id).entry(1, 5) + seal(other_id).entry(2, 5)
    assert reader.open(block) == ([Announcement(node_id, 1, 5), Announcement(other_id, 2, 5)], 0)


def test_the_number_of_known_nodes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcement_seal, "_SENDERS_MAX", 3)
    reader = seal("a", "b", "c", "d", "b")
    block = head_of(1) + b"".join(seal(each).entry(1, 1) for each in "abcd")
    assert [each.node_id for each in reader.open(block).announcements] == ["b", "d"], "b came last, c before it"


def test_a_fetched_event_is_accepted_as_announced_only() -> None:
    sealed, reader = seal("b").seal_event(7, b"event"), seal("a")
    opened = reader.open_event("b", 7, sealed)
    assert opened is not None
    assert bytes(opened) == b"event"
    assert reader.open_event("c", 7, sealed) is None
    assert reader.open_event("b", 8, sealed) is None
    assert reader.open_event("b", 7, sealed + b"x") is None
    assert reader.open_event("b", 7, sealed[:10]) is None
    assert reader.open_event("b", 7, b"") is None
    assert seal("a", key=b"x" * 32).open_event("b", 7, sealed) is None
