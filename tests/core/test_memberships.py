"""Which users share a conversation, and which are contacts."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from talkwire.core.connected.memberships import MembershipIndex
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationUpdated,
    Durable,
    MemberAdded,
    MemberRemoved,
)
from talkwire.core.domain.log.announced import conversation_hash
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Conversation, ConversationKind, Member, Notify
from tests.repetition import repetitions


def _created(pos: int, conversation_id: str, kind: ConversationKind, *user_ids: str) -> ConversationCreated:
    conversation = Conversation(conversation_id, kind, None, None, len(user_ids), 0, 0, 0)
    return ConversationCreated(pos, 0, conversation, _members(conversation_id, *user_ids))


def _members(conversation_id: str, *user_ids: str) -> tuple[Member, ...]:
    return tuple(Member(conversation_id, user_id, "member", 0) for user_id in user_ids)


def _everyone(user_id: str) -> bool:
    return True


def _memberships(*facts: tuple[str, ConversationKind, int], members_max: int = 3) -> MembershipIndex:
    """The conversations of alice and bob."""
    memberships = MembershipIndex(members_max)
    ids = [conversation_id for conversation_id, _, _ in facts]
    memberships.add("alice", ids)
    memberships.add("bob", ids)
    memberships.fill({id_: ConversationFacts(kind, count) for id_, kind, count in facts}, 10, [])
    return memberships


def test_contacts_share_a_direct_conversation_or_a_small_group() -> None:
    assert _memberships(("c", "direct", 2)).contacts("alice", {"c"}) == {"bob"}
    assert _memberships(("c", "group", 3)).contacts("alice", {"c"}) == {"bob"}
    assert _memberships(("c", "group", 4)).contacts("alice", {"c"}) == set()
    assert _memberships(("c", "channel", 2)).contacts("alice", {"c"}) == set()
    assert _memberships(("c", "channel", 2), ("d", "group", 2)).contacts("alice", {"c", "d"}) == {"bob"}


def test_members_of_a_group_above_the_limit_are_no_contacts() -> None:
    memberships = _memberships(("c", "group", 3))
    memberships.apply(MemberAdded(11, 0, "c", _members("c", "dora", "emil")), lambda user_id: user_id == "dora")
    assert memberships.contacts("alice", {"c"}) == set()
    memberships.apply(MemberRemoved(12, 0, "c", "emil"), _everyone)
    memberships.apply(MemberRemoved(13, 0, "c", "bob"), _everyone)
    assert memberships.contacts("alice", {"c"}) == {"dora"}


def _notifying(pos: int, notify: Notify | None, *changed: str) -> ConversationUpdated:
    conversation = Conversation("c", "group", None, None, 2, 0, 0, 0, notify=notify)
    return ConversationUpdated(pos, 0, conversation, "", changed)


def test_the_default_for_notifications_follows_the_log() -> None:
    memberships = MembershipIndex()
    memberships.add("alice", ["c", "d"])
    facts = {"c": ConversationFacts("group", 2, "all"), "d": ConversationFacts("group", 2)}
    memberships.fill(facts, 6, [_notifying(5, "none", "notify"), _notifying(7, "mentions", "notify")])
    assert memberships.notify == {"c": "mentions"}
    memberships.apply(_notifying(8, None, "name"), _everyone)
    assert memberships.notify == {"c": "mentions"}, "a node of an older version has changed the name"
    memberships.apply(_notifying(9, None, "notify"), _everyone)
    assert memberships.notify == {}
    memberships.apply(_notifying(10, "all", "notify"), _everyone)
    memberships.apply(ConversationDeleted(11, 0, "c", "alice"), _everyone)
    assert memberships.notify == {}


def _with_teams(pos: int, *team_ids: str, changed: str = "team_ids") -> ConversationUpdated:
    conversation = Conversation("c", "group", None, None, 2, 0, 0, 0, team_ids=team_ids)
    return ConversationUpdated(pos, 0, conversation, "", (changed,))


def test_members_are_not_only_contacts_while_the_conversation_has_teams() -> None:
    memberships = MembershipIndex(2)
    memberships.add("alice", ["c", "d", "e", "f"])
    assert not memberships.are_contacts_only("c"), "it is not loaded"
    facts = {
        "c": ConversationFacts("group", 2),
        "d": ConversationFacts("group", 3),
        "e": ConversationFacts("channel", 2),
        "f": ConversationFacts("direct", 2, has_teams=True),
    }
    memberships.fill(facts, 6, [_with_teams(5, "support"), _with_teams(7, "support")])
    assert [memberships.are_contacts_only(id_) for id_ in "cdef"] == [False] * 4
    memberships.apply(_with_teams(8), _everyone)
    assert memberships.are_contacts_only("c")
    memberships.apply(_with_teams(9, "support", changed="name"), _everyone)
    assert memberships.are_contacts_only("c"), "only its name has changed"
    memberships.apply(_with_teams(10, "support"), _everyone)
    assert not memberships.are_contacts_only("c")
    assert memberships.contacts("alice", ["c"]) == set()


def test_a_conversation_may_begin_with_teams() -> None:
    memberships = MembershipIndex()
    for pos, team_ids in enumerate([(), ("support",)], 5):
        conversation = Conversation(f"c{pos}", "group", None, None, 1, 0, 0, 0, team_ids=team_ids)
        event = ConversationCreated(pos, 0, conversation, _members(conversation.id, "alice"), "alice")
        memberships.apply(event, _everyone)
    assert [memberships.are_contacts_only(id_) for id_ in ("c5", "c6", "c7")] == [True, False, False]


def test_a_new_members_event_brings_the_default_until_the_conversation_is_loaded() -> None:
    memberships = MembershipIndex()
    memberships.apply(MemberAdded(5, 0, "c", _members("c", "alice"), notify="all"), _everyone)
    assert memberships.is_incomplete("c")
    assert memberships.notify == {"c": "all"}
    memberships.fill({"c": ConversationFacts("group", 2)}, 6, [])
    assert memberships.notify == {}
    memberships.apply(MemberAdded(7, 0, "c", _members("c", "bob"), notify="all"), _everyone)
    assert memberships.notify == {}, "the conversation is loaded"


def test_a_conversation_without_cached_members_has_no_default_here() -> None:
    memberships = MembershipIndex()
    memberships.add("alice", ["c"])
    memberships.fill({"c": ConversationFacts("group", 2, "all")}, 6, [])
    memberships.remove("alice", ["c"])
    assert memberships.notify == {}


def test_events_after_the_loaded_position_are_applied() -> None:
    memberships = MembershipIndex(2)
    memberships.add("alice", ["c"])
    memberships.add("bob", ["c"])
    assert memberships.is_incomplete("c")
    assert memberships.contacts("alice", ["c"]) == set()
    late: list[Durable] = [
        MemberAdded(5, 0, "c", _members("c", "x")),
        MemberRemoved(7, 0, "c", "x"),
        MemberRemoved(8, 0, "c", "y"),
    ]
    memberships.fill({"c": ConversationFacts("group", 4)}, 6, late)
    assert not memberships.is_incomplete("c")
    assert memberships.contacts("alice", ["c"]) == {"bob"}
    memberships.apply(MemberRemoved(8, 0, "c", "y"), _everyone)
    memberships.apply(MemberAdded(9, 0, "c", _members("c", "z")), lambda _: False)
    assert memberships.contacts("alice", ["c"]) == set(), "the event at 8 was counted once"


def test_a_conversation_without_cached_members_is_removed() -> None:
    memberships = _memberships(("c", "direct", 2))
    memberships.remove("alice", ["c"])
    assert memberships.get("c") is not None
    memberships.remove("bob", ["c"])
    assert memberships.get("c") is None


def test_two_conversations_may_have_the_same_hash() -> None:
    one, other = "plumless", "buckeroo"
    assert conversation_hash(one) == conversation_hash(other)
    memberships = _memberships(("c", "direct", 2))
    assert memberships.has_hash(conversation_hash(one)), "nothing is known before they are indexed"
    memberships.index_hashes()
    assert not memberships.has_hash(conversation_hash(one))
    memberships.add("alice", [one, other])
    memberships.remove("alice", [one])
    assert memberships.has_hash(conversation_hash(other))
    memberships.remove("alice", [other])
    assert not memberships.has_hash(conversation_hash(other))


def test_conversations_that_are_known_before_are_indexed() -> None:
    memberships = _memberships(("c", "direct", 2))
    memberships.index_hashes()
    assert memberships.has_hash(conversation_hash("c"))
    memberships.apply(ConversationDeleted(11, 0, "c", "alice"), _everyone)
    assert not memberships.has_hash(conversation_hash("c"))


USERS = [f"u{number}" for number in range(14)]
PLACES = ["x", "y"]


class Following(RuleBasedStateMachine):
    """Members join and leave, users are cached and evicted, and facts are loaded at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.pos = 0
        self.memberships = MembershipIndex(members_max=6)
        self.memberships.index_hashes()
        self.members: dict[str, set[str]] = {"x": set(USERS[:4]), "y": set()}
        self.known: set[str] = set()

    def happen(self, event: Durable) -> None:
        self.pos += 1
        self.memberships.apply(event, self.known.__contains__)

    @rule(user_id=st.sampled_from(USERS))
    def become_known(self, user_id: str) -> None:
        if user_id not in self.known:
            self.known.add(user_id)
            self.memberships.add(user_id, [place for place in PLACES if user_id in self.members[place]])
            self.read()

    def read(self) -> None:
        facts = {place: ConversationFacts("group", len(members)) for place, members in self.members.items()}
        self.memberships.fill(facts, self.pos, [])

    @rule(user_id=st.sampled_from(USERS))
    def be_forgotten(self, user_id: str) -> None:
        if user_id in self.known:
            self.known.discard(user_id)
            self.memberships.remove(user_id, [place for place in PLACES if user_id in self.members[place]])

    @rule(place=st.sampled_from(PLACES), user_ids=st.sets(st.sampled_from(USERS), min_size=1, max_size=4))
    def join(self, place: str, user_ids: set[str]) -> None:
        new = sorted(user_ids - self.members[place])
        if new:
            self.members[place] |= set(new)
            self.happen(MemberAdded(self.pos + 1, 0, place, _members(place, *new)))
            self.read()

    @precondition(lambda self: any(self.members.values()))
    @rule(place=st.sampled_from(PLACES), data=st.data())
    def leave(self, place: str, data: st.DataObject) -> None:
        if self.members[place]:
            user_id = data.draw(st.sampled_from(sorted(self.members[place])))
            self.members[place].discard(user_id)
            self.happen(MemberRemoved(self.pos + 1, 0, place, user_id))

    @rule(user_ids=st.sets(st.sampled_from(USERS), min_size=1, max_size=3))
    def begin_anew(self, user_ids: set[str]) -> None:
        self.members["y"] = set()
        self.happen(ConversationDeleted(self.pos + 1, 0, "y", USERS[0]))
        self.members["y"] = set(user_ids)
        self.happen(_created(self.pos + 1, "y", "group", *sorted(user_ids)))

    @invariant()
    def contacts_are_who_they_should_be(self) -> None:
        for user_id in self.known:
            own = [place for place in PLACES if user_id in self.members[place]]
            expected = set().union(*(self.members[place] for place in own if len(self.members[place]) <= 6))
            assert self.memberships.contacts(user_id, own) == (expected & self.known) - {user_id}

    @invariant()
    def hashes_are_those_of_conversations_with_cached_members(self) -> None:
        for place in PLACES:
            assert self.memberships.has_hash(conversation_hash(place)) == bool(self.members[place] & self.known)


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=repetitions(200), stateful_step_count=40, deadline=None)
