"""The index of users with `notify="all"`."""

from __future__ import annotations

from talkwire.core.connected.notify_all_index import NotifyAllIndex
from talkwire.core.domain.events import ConversationDeleted, ConversationPreferred, MemberRemoved
from talkwire.core.domain.model import MemberPreferences, Notify

ALL, MENTIONS = MemberPreferences(notify="all"), MemberPreferences(notify="mentions")


def preferred(user_id: str, notify: Notify | None) -> ConversationPreferred:
    return ConversationPreferred(1, 0, "c", user_id, False, notify, None)


def known(user_id: str) -> bool:
    return user_id != "stranger"


def test_cached_users_with_notify_all_are_indexed() -> None:
    index = NotifyAllIndex()
    index.add("alice", {"c": ALL, "d": MENTIONS})
    index.add("bob", {"c": ALL})
    assert set(index.of("c")) == {"alice", "bob"}
    assert set(index.of("d")) == set()
    index.remove("alice", {"c": ALL, "d": MENTIONS})
    assert set(index.of("c")) == {"bob"}


def test_a_setting_applies_until_it_is_changed() -> None:
    index = NotifyAllIndex()
    index.apply(preferred("alice", "all"), known)
    index.apply(preferred("stranger", "all"), known)
    assert set(index.of("c")) == {"alice"}
    index.apply(preferred("alice", None), known)
    assert set(index.of("c")) == set()


def test_former_members_and_deleted_conversations_are_removed() -> None:
    index = NotifyAllIndex()
    for user_id in ("alice", "bob"):
        index.apply(preferred(user_id, "all"), known)
    index.apply(MemberRemoved(2, 0, "c", "alice"), known)
    assert set(index.of("c")) == {"bob"}
    index.apply(ConversationDeleted(3, 0, "c", "bob"), known)
    assert set(index.of("c")) == set()
