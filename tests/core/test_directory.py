from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection

import pytest

from talkwire.core.connected import directory as directory_module
from talkwire.core.connected.directory import Directory, DirectoryEntry, LoadedUsers
from talkwire.core.domain.events import (
    ConversationCreated,
    LoginEnded,
    LoginOpened,
    MemberAdded,
    MemberRemoved,
    MembersListed,
    MessageSent,
    UserBanned,
    UserBlocked,
    UserCreated,
    UserUnbanned,
)
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Conversation, Member, Message, User


class Table:
    """The data that a directory loads: users and their conversations as of `pos`. Loads wait while it is `slow`."""

    def __init__(self) -> None:
        self.pos = 0
        self.conversation_ids: dict[str, set[str]] = {}
        self.asked: list[list[str]] = []
        self.error: Exception | None = None
        self.slow = False
        self._answers: list[asyncio.Event] = []

    async def load(self, user_ids: Collection[str]) -> LoadedUsers:
        self.asked.append(list(user_ids))
        found = {
            user_id: DirectoryEntry(
                User(user_id, user_id.title(), 0) if user_id in self.conversation_ids else None,
                set(self.conversation_ids.get(user_id, ())),
            )
            for user_id in user_ids
        }
        pos = self.pos
        counts = Counter(id_ for ids in self.conversation_ids.values() for id_ in ids)
        facts = {id_: ConversationFacts("group", count) for id_, count in counts.items()}
        if self.slow:
            answer = asyncio.Event()
            self._answers.append(answer)
            await answer.wait()
        if self.error is not None:
            raise self.error
        return LoadedUsers(pos, found, facts)

    def answer(self) -> None:
        """Finishes the oldest load with the data as of its start."""
        self._answers.pop(0).set()


@pytest.fixture
def table() -> Table:
    table = Table()
    table.conversation_ids = {"alice": {"c"}, "bob": {"c", "d"}}
    return table


def _added(pos: int, user_id: str, conversation_id: str) -> MemberAdded:
    return MemberAdded(pos, 0, conversation_id, (Member(conversation_id, user_id, "member", 0),))


def _is_banned(entry: DirectoryEntry) -> bool:
    assert entry.user is not None
    return entry.user.banned


async def _turns() -> None:
    """Runs everything that does not wait for a load."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_users_requested_in_one_turn_are_loaded_by_one_query(table: Table) -> None:
    directory = Directory(table.load)
    alice, bob, again = await asyncio.gather(*(directory.find(user_id) for user_id in ("alice", "bob", "alice")))
    assert table.asked == [["alice", "bob"]]
    assert alice is again
    assert (alice.conversation_ids, bob.conversation_ids) == ({"c"}, {"c", "d"})


async def test_a_loaded_user_is_not_loaded_again(table: Table) -> None:
    directory = Directory(table.load)
    entry = await directory.find("alice")
    assert directory.peek("alice") is entry
    assert await directory.find("alice") is entry
    assert len(table.asked) == 1
    assert directory.peek("bob") is None


async def test_an_unknown_user_has_an_entry_that_is_completed_later(table: Table) -> None:
    directory = Directory(table.load)
    entry = await directory.find("carol")
    assert entry.user is None
    user = User("carol", "Carol", 5)
    directory.apply(UserCreated(1, 0, user))
    assert entry.user == user


async def test_events_keep_an_entry_current(table: Table) -> None:
    directory = Directory(table.load)
    entry = await directory.find("alice")
    conversation = Conversation("e", "group", None, "alice", 1, 0, 0, 0)
    directory.apply(ConversationCreated(1, 0, conversation, (Member("e", "alice", "owner", 0),)))
    directory.apply(_added(2, "alice", "d"))
    directory.apply(_added(3, "bob", "f"))
    assert entry.conversation_ids == {"c", "d", "e"}
    directory.apply(MemberRemoved(4, 0, "c", "alice"))
    directory.apply(MemberRemoved(5, 0, "d", "bob"))
    directory.apply(MessageSent(6, 0, Message(1, "d", 1, "bob", "Bob", "x", 0)))
    assert entry.conversation_ids == {"d", "e"}
    directory.apply(UserBanned(7, 0, "alice"))
    assert _is_banned(entry)
    directory.apply(UserUnbanned(8, 0, "alice"))
    assert not _is_banned(entry)
    directory.apply(UserBanned(9, 0, "bob"))
    assert not _is_banned(entry)


async def test_an_entry_names_the_devices_that_are_signed_in(table: Table) -> None:
    directory = Directory(table.load)
    entry = await directory.find("alice")
    for event in (LoginOpened(1, 0, "alice", "a"), LoginOpened(2, 0, "alice", "b"), LoginOpened(3, 0, "bob", "c")):
        directory.apply(event)
    assert entry.login_ids == {"a", "b"}
    directory.apply(LoginEnded(4, 0, "alice", "a"))
    directory.apply(LoginEnded(5, 0, "bob", "b"))
    assert entry.login_ids == {"b"}


async def test_events_that_come_while_a_user_is_read_are_not_lost(table: Table) -> None:
    directory = Directory(table.load)
    table.slow = True
    finding = asyncio.ensure_future(directory.find("alice"))
    await _turns()
    directory.apply(_added(1, "alice", "d"))
    directory.apply(MemberRemoved(2, 0, "c", "alice"))
    table.answer()
    assert (await finding).conversation_ids == {"d"}


async def test_events_included_in_loaded_data_are_not_applied_again(table: Table) -> None:
    directory = Directory(table.load)
    table.slow = True
    # As of position 2, alice was added to d (1) and removed again (2); the bus has not delivered the removal.
    table.pos = 2
    finding = asyncio.ensure_future(directory.find("alice"))
    await _turns()
    directory.apply(_added(1, "alice", "d"))
    table.answer()
    entry = await finding
    assert entry.conversation_ids == {"c"}
    directory.apply(MemberRemoved(2, 0, "d", "alice"))
    directory.apply(_added(3, "alice", "e"))
    assert entry.conversation_ids == {"c", "e"}


async def test_users_requested_while_others_are_loaded_are_loaded_together(table: Table) -> None:
    directory = Directory(table.load)
    table.slow = True
    finding = [asyncio.ensure_future(directory.find("alice"))]
    await _turns()
    for user_id in ("bob", "carol"):
        finding.append(asyncio.ensure_future(directory.find(user_id)))
        await _turns()
    assert table.asked == [["alice"]]
    table.answer()
    await _turns()
    table.answer()
    await asyncio.gather(*finding)
    assert table.asked == [["alice"], ["bob", "carol"]]


async def test_a_load_that_stalls_holds_up_no_other_users(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_module, "LOADS_OVERLAP_S", 0)
    directory = Directory(table.load)
    table.slow = True
    stalled = asyncio.ensure_future(directory.find("alice"))
    await _turns()
    table.slow = False
    assert (await directory.find("bob")).conversation_ids == {"c", "d"}
    assert not stalled.done()
    table.answer()
    await stalled


async def test_an_event_that_an_older_answer_missed_does_not_come_back_in_a_newer_one(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, "LOADS_OVERLAP_S", 0)
    directory = Directory(table.load)
    table.slow = True
    first = asyncio.ensure_future(directory.find("alice"))
    await _turns()
    directory.apply(_added(1, "bob", "e"))
    directory.apply(MemberRemoved(2, 0, "e", "bob"))
    table.pos = 2
    second = asyncio.ensure_future(directory.find("bob"))
    await _turns()
    directory.apply(_added(3, "bob", "f"))
    directory.apply(_added(3, "alice", "f"))
    table.answer()
    table.answer()
    assert (await first).conversation_ids == {"c", "f"}
    assert (await second).conversation_ids == {"c", "d", "f"}
    directory.apply(_added(4, "alice", "g"))
    assert (await first).conversation_ids == {"c", "f", "g"}


async def test_a_directory_that_is_never_idle_remembers_no_events(table: Table) -> None:
    directory = Directory(table.load)
    table.slow = True
    finding = [asyncio.ensure_future(directory.find("user0"))]
    await _turns()
    for number in range(1, 50):
        directory.apply(_added(number, "nobody", "c"))
        # One load is always running.
        finding.append(asyncio.ensure_future(directory.find(f"user{number}")))
        await _turns()
        table.answer()
        await _turns()
    assert sum(len(loading.late) for loading in directory._running) == 0
    table.answer()
    await asyncio.gather(*finding)
    assert not directory._running


async def test_a_failing_load_fails_only_its_waiting_callers(table: Table) -> None:
    directory = Directory(table.load)
    table.error = ConnectionError()
    outcomes = await asyncio.gather(*(directory.find("alice") for _ in range(2)), return_exceptions=True)
    assert outcomes == [table.error, table.error]
    table.error = None
    assert (await directory.find("alice")).conversation_ids == {"c"}


async def test_a_cancelled_caller_does_not_cancel_the_others(table: Table) -> None:
    directory = Directory(table.load)
    table.slow = True
    impatient = asyncio.ensure_future(directory.find("alice"))
    patient = asyncio.ensure_future(directory.find("alice"))
    await _turns()
    impatient.cancel()
    await _turns()
    table.answer()
    assert (await patient).conversation_ids == {"c"}


async def test_the_most_recently_used_entries_stay_cached(table: Table) -> None:
    directory = Directory(table.load, idle_max=2)
    await directory.find("alice")
    await directory.find("bob")
    await directory.find("alice")
    await directory.find("carol")
    assert directory.peek("alice") is not None
    assert directory.peek("bob") is None
    assert directory.peek("carol") is not None


async def test_a_held_user_is_never_evicted(table: Table) -> None:
    directory = Directory(table.load, idle_max=1)
    entry = await directory.find("alice")
    assert directory.hold("alice", entry) is entry
    directory.hold("alice", entry)
    await directory.find("bob")
    await directory.find("carol")
    directory.release("alice")
    assert directory.peek("alice") is entry
    assert directory.peek("bob") is None
    directory.release("alice")
    assert directory.peek("alice") is entry
    assert directory.peek("carol") is None
    await directory.find("bob")
    assert directory.peek("alice") is None


async def test_callers_from_before_and_after_an_eviction_hold_one_entry(table: Table) -> None:
    directory = Directory(table.load, idle_max=1)
    first = await directory.find("alice")
    await directory.find("bob")
    second = await directory.find("alice")
    assert first is not second
    kept = directory.hold("alice", second)
    assert directory.hold("alice", first) is kept
    directory.apply(_added(1, "alice", "d"))
    directory.release("alice")
    assert directory.peek("alice") is kept
    directory.release("alice")
    assert kept.holds == 0
    assert kept.conversation_ids == {"c", "d"}


async def test_an_entry_says_since_when_all_events_of_its_conversations_were_delivered(table: Table) -> None:
    """Before that, the node may have passed over some, since it needed none."""
    directory = Directory(table.load, idle_max=1)
    table.slow = True
    table.pos = 5
    finding = asyncio.ensure_future(directory.find("alice"))
    await _turns()
    directory.pos = 7
    table.answer()
    alice = await finding
    assert alice.moved_pos == 7, "events 6 and 7 came while alice was being loaded"
    table.slow = False
    table.pos = 20
    await directory.find("bob")
    directory.pos = 12
    assert directory.hold("alice", alice).moved_pos == 12, "alice was evicted for a while"
    assert (await directory.find("bob")).moved_pos == 20, "the load was ahead of the node"


async def test_contacts_are_known_without_asking(table: Table) -> None:
    directory = Directory(table.load)
    await asyncio.gather(directory.find("alice"), directory.find("bob"))
    assert directory.contacts("alice") == {"bob"}
    assert directory.are_acquainted("alice", "bob")
    directory.apply(UserBlocked(1, 0, "bob", "alice"))
    assert directory.contacts("alice") == set()
    assert directory.contacts("bob") == set()
    assert not directory.are_acquainted("alice", "bob")


async def test_a_conversation_is_loaded_when_a_cached_user_joins(table: Table) -> None:
    directory = Directory(table.load, contacts_max=2)
    await asyncio.gather(directory.find("alice"), directory.find("bob"))
    table.conversation_ids = {"alice": {"c", "e"}, "bob": {"c", "e"}, "carol": {"e"}, "dora": {"e"}}
    table.pos = 2
    directory.apply(_added(1, "alice", "e"))
    directory.apply(_added(2, "bob", "e"))
    await _turns()
    membership = directory.memberships.get("e")
    assert membership is not None
    assert (membership.kind, membership.member_count) == ("group", 4)
    directory.apply(MemberRemoved(3, 0, "c", "bob"))
    assert directory.contacts("alice") == set(), "they share a group of four, and two are the limit"
    directory.apply(MemberRemoved(4, 0, "e", "carol"))
    directory.apply(MemberRemoved(5, 0, "e", "dora"))
    assert directory.contacts("alice") == {"bob"}


async def test_a_conversation_that_is_in_no_list_is_loaded_when_it_comes_into_one(table: Table) -> None:
    """A team's members may have thousands of conversations, whose kind and size nobody needs."""
    directory = Directory(table.load)
    await asyncio.gather(directory.find("alice"), directory.find("bob"))
    table.asked.clear()
    members = [Member("e", id_, "member", 0, own=False, via=("t",), listed=False) for id_ in ("alice", "bob")]
    directory.apply(MemberAdded(1, 0, "e", tuple(members)))
    directory.apply(MembersListed(2, 0, "e", ("alice",), listed=False))
    await _turns()
    assert table.asked == []
    table.conversation_ids["bob"].add("e")
    directory.apply(MembersListed(3, 0, "e", ("bob",), listed=True))
    await _turns()
    assert table.asked == [["bob"]]
    membership = directory.memberships.get("e")
    assert membership is not None
    assert (membership.kind, {*membership.user_ids}) == ("group", {"alice", "bob"})


async def test_events_that_come_while_a_conversation_is_read_are_counted(table: Table) -> None:
    table.slow = True
    directory = Directory(table.load)
    found = asyncio.gather(directory.find("alice"), directory.find("bob"))
    await _turns()
    directory.apply(_added(1, "carol", "c"))
    directory.apply(MemberRemoved(2, 0, "c", "bob"))
    directory.apply(_added(3, "alice", "new"))
    table.conversation_ids = {"alice": {"c", "new"}, "carol": {"c"}}
    table.pos = 3
    table.answer()
    await _turns()
    table.answer()
    await found
    await _turns()
    membership, new = directory.memberships.get("c"), directory.memberships.get("new")
    assert membership is not None
    assert (membership.member_count, membership.user_ids) == (2, ("alice",))
    assert new is not None
    assert (new.kind, new.member_count) == ("group", 1)


async def test_an_evicted_user_is_in_no_conversation_of_the_index(table: Table) -> None:
    directory = Directory(table.load, idle_max=1)
    alice = await directory.find("alice")
    await directory.find("bob")
    membership = directory.memberships.get("c")
    assert membership is not None
    assert membership.user_ids == ("bob",)
    directory.hold("alice", alice)
    assert directory.contacts("bob") == {"alice"}
