"""The index of users with a limited history."""

from __future__ import annotations

from talkwire.core.connected.limited_history_index import LimitedHistoryIndex
from talkwire.core.domain.events import ConversationDeleted, MemberAdded, MemberRemoved
from talkwire.core.domain.model import HistoryStart, Member

LATE = HistoryStart(7, 40)


def added(user_id: str, history: HistoryStart, pos: int = 40) -> MemberAdded:
    member = Member("c", user_id, "member", 0, history_seq=history.seq, history_pos=history.pos)
    return MemberAdded(pos, 0, "c", (member,))


def known(_: str) -> bool:
    return True


def test_no_history_is_limited_where_all_members_see_all() -> None:
    index = LimitedHistoryIndex()
    index.apply(added("alice", HistoryStart()), known)
    assert index.of("c") == {}


def test_a_later_member_is_indexed_if_cached() -> None:
    index = LimitedHistoryIndex()
    index.apply(added("alice", LATE), lambda user_id: user_id != "alice")
    index.apply(added("bob", LATE), known)
    assert index.of("c") == {"bob": LATE}


def test_a_former_member_stays_in_the_index_for_late_events() -> None:
    index = LimitedHistoryIndex()
    index.add("alice", {"c": LATE})
    index.apply(MemberRemoved(41, 0, "c", "alice"), known)
    index.apply(ConversationDeleted(42, 0, "c", "bob"), known)
    assert index.of("c") == {"alice": LATE}
    index.remove("alice", {"c": LATE})
    assert index.of("c") == {}


def test_a_returning_member_with_full_history_is_removed_from_the_index() -> None:
    index = LimitedHistoryIndex()
    index.add("alice", {"c": LATE, "d": LATE})
    index.apply(added("alice", HistoryStart(), 50), known)
    assert index.of("c") == {}
    assert index.of("d") == {"alice": LATE}
