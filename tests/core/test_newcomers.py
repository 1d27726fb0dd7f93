"""The index of users with a limited history."""

from __future__ import annotations

from talkwire.core.connected.newcomers import LimitedHistoryIndex
from talkwire.core.domain.events import ConversationDeleted, MemberAdded, MemberRemoved
from talkwire.core.domain.model import HistoryStart, Member

LATE = HistoryStart(7, 40)


def added(user_id: str, history: HistoryStart, pos: int = 40) -> MemberAdded:
    member = Member("c", user_id, "member", 0, history_seq=history.seq, history_pos=history.pos)
    return MemberAdded(pos, 0, "c", (member,))


def known(_: str) -> bool:
    return True


def test_nobody_is_a_newcomer_where_all_see_all() -> None:
    newcomers = LimitedHistoryIndex()
    newcomers.apply(added("alice", HistoryStart()), known)
    assert newcomers.of("c") == {}


def test_who_is_let_in_late_is_one_if_known_here() -> None:
    newcomers = LimitedHistoryIndex()
    newcomers.apply(added("alice", LATE), lambda user_id: user_id != "alice")
    newcomers.apply(added("bob", LATE), known)
    assert newcomers.of("c") == {"bob": LATE}


def test_who_left_stays_one_for_what_is_on_its_way() -> None:
    newcomers = LimitedHistoryIndex()
    newcomers.add("alice", {"c": LATE})
    newcomers.apply(MemberRemoved(41, 0, "c", "alice"), known)
    newcomers.apply(ConversationDeleted(42, 0, "c", "bob"), known)
    assert newcomers.of("c") == {"alice": LATE}
    newcomers.remove("alice", {"c": LATE})
    assert newcomers.of("c") == {}


def test_who_comes_back_and_sees_all_is_none_any_more() -> None:
    newcomers = LimitedHistoryIndex()
    newcomers.add("alice", {"c": LATE, "d": LATE})
    newcomers.apply(added("alice", HistoryStart(), 50), known)
    assert newcomers.of("c") == {}
    assert newcomers.of("d") == {"alice": LATE}
