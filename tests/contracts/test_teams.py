"""Teams: the memberships that follow from them, in batches, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence

import pytest

from talkwire.bus.memory import Exchange
from talkwire.core.commands.accounts import EraseUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, GetConversation
from talkwire.core.commands.desk.claims import ClaimConversation
from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.desk.teams import (
    AddTeamMembers,
    DeleteTeam,
    FindTeamChange,
    FinishTeamChange,
    GetTeam,
    ListTeams,
    PutTeam,
    RemoveTeamMember,
)
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import ListMessages
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.core.domain.actors import TEAM_CHANGER
from talkwire.core.domain.desk.teams import FURTHER_MEMBERSHIPS_BATCH_MAX, MEMBERSHIPS_BATCH_MAX, TEAM_MEMBERS_MAX
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationUpdated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    TeamSettled,
)
from talkwire.core.domain.model import WHOLE, Actor, MemberPreferences
from talkwire.core.engine.desk import team_changer
from talkwire.core.engine.desk.team_changer import TeamChanger
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

Grounds = dict[str, tuple[bool, tuple[str, ...]]]
"""User id -> (whether a member in their own right, through which teams)."""

STATEMENTS_MAX = 16
"""The most statements that a batch of memberships may take, however many it has."""

OF_TEAM = (False, ("support",))
OWN = (True, ())
BOTH = (True, ("support",))


async def grounds(node: Node, conversation_id: str = "c") -> Grounds:
    view = await node.do(BACKEND, GetConversation(conversation_id))
    return {each.member.user_id: (each.member.own, each.member.via) for each in view.members}


async def desk(node: Node, *team: str, history: str = "all") -> None:
    """Creates the conversation `c` of alice, and of the team `support` with these members."""
    await node.users(ALICE, BOB, CAROL, MALLORY)
    await node.do(BACKEND, PutTeam("support", "Support", team))
    made = CreateConversation("group", ("alice",), id="c", team_ids=("support",), owner_id="alice", history=history)  # type: ignore[arg-type]
    await node.do(BACKEND, made)


async def many_desks(node: Node, count: int) -> Sequence[str]:
    await node.users(ALICE)
    ids = [f"c{number}" for number in range(count)]
    made = [CreateConversation("group", ("alice",), id=id_, team_ids=("support",)) for id_ in ids]
    await asyncio.gather(*(node.do(BACKEND, each) for each in made))
    return ids


async def refused(node: Node, actor: Actor, command: Command[object]) -> tuple[str, object]:
    with pytest.raises(ChatError) as raised:
        await node.do(actor, command)
    return raised.value.code, raised.value.details


# --- teams ------------------------------------------------------------------------------------------------------------


async def test_a_team_joins_with_its_conversation_and_leaves_with_it(node: Node) -> None:
    await desk(node, "bob")
    assert await grounds(node) == {"alice": OWN, "bob": OF_TEAM}
    await node.do(BACKEND, AddTeamMembers("support", ("carol",)))
    assert await grounds(node) == {"alice": OWN, "bob": OF_TEAM, "carol": OF_TEAM}
    await node.do(BACKEND, PutTeam("support", "Support", ("carol", "dave")))
    assert await grounds(node) == {"alice": OWN, "carol": OF_TEAM, "dave": OF_TEAM}
    assert (await node.do(BACKEND, RemoveTeamMember("support", "dave"))).team.member_ids == ("carol",)
    assert await grounds(node) == {"alice": OWN, "carol": OF_TEAM}
    await node.do(BACKEND, RemoveMember("c", team_ids=("support",)))
    assert await grounds(node) == {"alice": OWN}
    await node.do(BACKEND, AddMembers("c", team_ids=("support",)))
    assert await grounds(node) == {"alice": OWN, "carol": OF_TEAM}
    await node.do(BACKEND, DeleteTeam("support"))
    assert await grounds(node) == {"alice": OWN}
    assert (await node.do(BACKEND, GetConversation("c"))).conversation.team_ids == ()


async def test_a_team_put_again_records_nothing(node: Node) -> None:
    await desk(node, "bob", "carol")
    before = len(node.log)
    view = await node.do(BACKEND, PutTeam("support", "Support", ("carol", "bob", "carol")))
    assert (view.team.member_ids, len(node.log)) == (("bob", "carol"), before)
    assert await node.do(BACKEND, AddTeamMembers("support", ("bob",))) == view
    assert await node.do(BACKEND, RemoveTeamMember("support", "dave")) == view
    assert len(node.log) == before


async def test_teams_are_listed_for_their_members_and_the_backend(node: Node) -> None:
    await node.users(ALICE, BOB)
    for id_, members in (("b", ("bob",)), ("a", ("alice", "bob")), ("c", ())):
        await node.do(OPERATOR, PutTeam(id_, id_.upper(), members))

    async def listed(actor: Actor, *, member_id: str | None = None) -> list[str]:
        page = await node.do(actor, ListTeams(member_id, limit=2))
        rest = await node.do(actor, ListTeams(member_id, page.next, limit=2)) if page.next else None
        return [each.team.id for each in (*page.items, *(rest.items if rest else ()))]

    assert await listed(BACKEND) == ["a", "b", "c"]
    assert await listed(BACKEND, member_id="alice") == ["a"]
    assert await listed(BOB) == ["a", "b"]
    assert await listed(ALICE, member_id="alice") == ["a"]
    assert await node.refusal(ALICE, ListTeams("bob")) == "forbidden"
    assert (await node.do(ALICE, GetTeam("a"))).team.member_ids == ("alice", "bob")
    assert await node.refusal(ALICE, GetTeam("b")) == await node.refusal(ALICE, GetTeam("none")) == "forbidden"
    assert await node.refusal(BACKEND, GetTeam("none")) == "not_found"


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (PutTeam("support", "", ()), "invalid_request", "name"),
        (PutTeam("support", " ", ()), "invalid_request", "name"),
        (PutTeam("support", "x" * 201, ()), "invalid_request", "name"),
        (PutTeam("a b", "Support", ()), "invalid_request", "teamId"),
        (PutTeam("support", "Support", ("",)), "invalid_request", "memberIds[0]"),
        (PutTeam("support", "Support", tuple(f"u{n}" for n in range(101))), "invalid_request", "memberIds"),
        (AddTeamMembers("support", ()), "invalid_request", "userIds"),
        (AddTeamMembers("support", tuple(f"u{n}" for n in range(100))), "invalid_request", "userIds"),
        (AddTeamMembers("none", ("bob",)), "not_found", None),
        (RemoveTeamMember("none", "bob"), "not_found", None),
        (RemoveTeamMember("support", ""), "invalid_request", "userId"),
        (DeleteTeam("none"), "not_found", None),
        (AddMembers("c", team_ids=("none",)), "invalid_request", "teamIds[0]"),
        (AddMembers("c"), "invalid_request", "userIds"),
        (AddMembers("c", team_ids=("",)), "invalid_request", "teamIds[0]"),
        (AddMembers("c", team_ids=tuple(f"t{n}" for n in range(11))), "invalid_request", "teamIds"),
        (RemoveMember("c"), "invalid_request", "userId"),
        (RemoveMember("c", "bob", team_ids=("support",)), "invalid_request", "userId"),
        (AddMembers("direct", team_ids=("support",)), "forbidden", None),
        (CreateConversation("direct", ("alice", "bob"), team_ids=("support",)), "invalid_request", "teamIds"),
        (CreateConversation("group", ("alice",), team_ids=("none",)), "invalid_request", "teamIds[0]"),
        (CreateConversation("group", ("alice",), id="c", team_ids=("other",)), "conflict", None),
    ],
    ids=str,
)
async def test_bad_input_is_refused(node: Node, command: Command[object], code: str, field: str | None) -> None:
    await desk(node, "bob")
    await node.do(BACKEND, PutTeam("other", "Other", ()))
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="direct"))
    before = len(node.log)
    found, details = await refused(node, BACKEND, command)
    assert (found, len(node.log)) == (code, before)
    if field is not None:
        assert details == {"field": field} or field in str(details)


async def test_a_conversation_has_at_most_ten_teams_and_each_once(node: Node) -> None:
    await desk(node, "bob")
    for number in range(10):
        await node.do(BACKEND, PutTeam(f"t{number}", "Team", ("bob",)))
    await node.do(BACKEND, AddMembers("c", team_ids=(*(f"t{n}" for n in range(8)), "t0", "support")))
    await node.do(BACKEND, AddMembers("c", team_ids=("t8",)))
    view = await node.do(BACKEND, GetConversation("c"))
    assert view.conversation.team_ids == ("support", *(f"t{n}" for n in range(9)))
    assert len((await grounds(node))["bob"][1]) == 10
    assert (await refused(node, BACKEND, AddMembers("c", team_ids=("t9",))))[0] == "conflict"


async def test_users_add_and_remove_their_own_teams_where_they_are_members(node: Node) -> None:
    await desk(node, "bob")
    await node.do(BACKEND, PutTeam("billing", "Billing", ("bob", "carol")))
    await node.do(BACKEND, PutTeam("press", "Press", ("carol",)))
    assert await node.refusal(ALICE, AddMembers("c", team_ids=("billing",))) == "forbidden"
    assert await node.refusal(CAROL, AddMembers("c", team_ids=("billing",))) == "forbidden"
    assert await node.refusal(BOB, AddMembers("c", team_ids=("billing", "press"))) == "forbidden"
    await node.do(BOB, AddMembers("c", team_ids=("billing",)))
    assert await grounds(node) == {"alice": OWN, "bob": (False, ("support", "billing")), "carol": (False, ("billing",))}
    assert await node.refusal(ALICE, RemoveMember("c", team_ids=("billing",))) == "forbidden"
    await node.do(CAROL, RemoveMember("c", team_ids=("billing",)))
    assert await grounds(node) == {"alice": OWN, "bob": OF_TEAM}
    made = await node.do(BOB, CreateConversation("group", ("alice",), team_ids=("support",)))
    assert await grounds(node, made.conversation.id) == {"alice": OWN, "bob": BOTH}
    assert await node.refusal(ALICE, CreateConversation("group", ("bob",), team_ids=("support",))) == "forbidden"


# --- grounds ----------------------------------------------------------------------------------------------------------


async def test_a_membership_lasts_while_it_has_a_ground(node: Node) -> None:
    await desk(node, "bob")
    await node.do(ALICE, AddMembers("c", ("bob",)))
    assert await grounds(node) == {"alice": OWN, "bob": BOTH}
    await node.do(BACKEND, PutTeam("support", "Support", ()))
    assert await grounds(node) == {"alice": OWN, "bob": OWN}
    await node.do(BACKEND, PutTeam("support", "Support", ("bob",)))
    assert await grounds(node) == {"alice": OWN, "bob": BOTH}
    await node.do(BOB, RemoveMember("c", "bob"))
    assert await grounds(node) == {"alice": OWN, "bob": OF_TEAM}
    await node.do(BACKEND, DeleteTeam("support"))
    assert await grounds(node) == {"alice": OWN}


async def test_a_member_through_a_team_neither_leaves_nor_is_removed_nor_gets_a_role(node: Node) -> None:
    await desk(node, "bob")
    commands = (
        (BOB, RemoveMember("c", "bob")),
        (ALICE, RemoveMember("c", "bob")),
        (ALICE, UpdateMember("c", "bob", "admin")),
    )
    for actor, command in commands:
        assert await refused(node, actor, command) == ("conflict", {"via": ["support"]})
    assert await grounds(node) == {"alice": OWN, "bob": OF_TEAM}


async def test_a_ban_holds_and_its_end_lets_in_again(node: Node) -> None:
    await desk(node, "bob", "carol")
    await node.do(ALICE, RestrictMember("c", "bob", "ban"))
    assert await grounds(node) == {"alice": OWN, "carol": OF_TEAM}
    await node.do(BACKEND, PutTeam("support", "Support", ("carol",)))
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    await node.do(BACKEND, PutTeam("more", "More", ("bob",)))
    await node.do(BACKEND, AddMembers("c", team_ids=("more",)))
    assert await grounds(node) == {"alice": OWN, "carol": OF_TEAM}
    await node.do(ALICE, UnrestrictMember("c", "bob", "ban"))
    assert await grounds(node) == {"alice": OWN, "bob": (False, ("support", "more")), "carol": OF_TEAM}


async def test_a_ban_that_ends_by_itself_lets_in_again(node: Node) -> None:
    await desk(node, "bob", "carol")
    await node.do(BACKEND, SendNote("c", "a note", sender_id="carol"))
    notes_id = (await node.do(BACKEND, GetConversation("c"))).conversation.notes_id
    assert notes_id is not None
    await TeamChanger(node.chat).finish()
    await node.do(ALICE, RestrictMember("c", "bob", "ban", node.clock.now_ms + HOUR_MS))
    assert await grounds(node) == {"alice": OWN, "carol": OF_TEAM}
    node.clock.now_ms += HOUR_MS
    await node.fire()
    assert await grounds(node) == {"alice": OWN, "bob": OF_TEAM, "carol": OF_TEAM}
    assert await grounds(node, notes_id) == {"bob": OF_TEAM, "carol": OF_TEAM}


async def test_a_ban_ends_both_grounds(node: Node) -> None:
    await desk(node, "bob")
    await node.do(ALICE, AddMembers("c", ("bob",)))
    await node.do(ALICE, RestrictMember("c", "bob", "ban"))
    assert await grounds(node) == {"alice": OWN}
    assert (await node.do(BACKEND, GetConversation("c"))).conversation.member_count == 1


async def test_members_through_teams_do_not_count_and_inherit_nothing(node: Node) -> None:
    await desk(node, "bob", "carol")
    view = await node.do(BACKEND, GetConversation("c"))
    assert (view.conversation.member_count, view.team_names) == (1, {"support": "Support"})
    again = CreateConversation("group", ("alice",), id="c", team_ids=("support",))
    assert (await node.do(BACKEND, again)).existed
    await node.do(ALICE, RemoveMember("c", "alice"))
    view = await node.do(BACKEND, GetConversation("c"))
    assert (view.conversation.member_count, view.conversation.owner_id) == (0, None)
    assert await grounds(node) == {"bob": OF_TEAM, "carol": OF_TEAM}


async def test_a_repeated_creation_finds_a_conversation_that_has_more_teams_by_now(node: Node) -> None:
    await desk(node, "bob")
    await node.do(BACKEND, PutTeam("billing", "Billing", ()))
    await node.do(BACKEND, AddMembers("c", team_ids=("billing",)))
    assert (await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("support",)))).existed
    assert (await node.do(BACKEND, CreateConversation("group", ("alice",), id="c"))).existed


async def test_a_team_sees_what_it_may_see_whoever_comes_later(node: Node) -> None:
    await desk(node, "bob", history="from-join")
    await node.send(ALICE, "first")
    await node.do(ALICE, AddMembers("c", ("mallory",)))
    await node.send(ALICE, "second")
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol", "mallory")))

    async def seen(actor: Actor) -> list[str]:
        return [message.content for message in (await node.do(actor, ListMessages("c"))).items]

    assert await seen(CAROL) == await seen(BOB) == await seen(MALLORY) == ["first", "second"]
    await node.do(BACKEND, PutTeam("support", "Support", ()))
    assert await seen(MALLORY) == ["second"]
    assert await node.refusal(CAROL, ListMessages("c")) == "forbidden"


@pytest.mark.parametrize("history", ["all", "from-join"])
@pytest.mark.parametrize("is_listed", [False, True])
async def test_a_node_loads_a_membership_through_a_team_as_it_was(node: Node, history: str, is_listed: bool) -> None:  # noqa: FBT001
    """Thousands of memberships that are not listed come as one value, which has only their ids."""
    await desk(node, "bob", "carol", history=history)
    await node.do(BOB, SetMemberPreferences("c", muted=True))
    if is_listed:
        await node.do(BOB, ClaimConversation("c"))
    start = (await node.do(BACKEND, GetConversation("c"))).members[-1].member.history
    loaded = await node.chat.directory.look_up(("bob", "carol"))
    bob, carol = loaded.entries["bob"], loaded.entries["carol"]
    assert (bob.conversation_ids, bob.staffed, bob.unlisted) == ({"c"}, {"c": False}, set() if is_listed else {"c"})
    assert bob.member_preferences == {"c": MemberPreferences(muted=True)}
    assert (carol.staffed, carol.unlisted, carol.member_preferences) == ({"c": False}, {"c"}, {})
    assert bob.histories == carol.histories == ({} if start == WHOLE else {"c": start})
    assert (start == WHOLE) is (history == "all")
    assert [*loaded.facts] == (["c"] if is_listed else [])


async def test_nodes_know_which_conversations_have_teams(node: Node) -> None:
    """The members of a team are no contacts, so a node does not know where they are connected."""
    await desk(node, "bob")
    directory = node.chat.directory
    await directory.find("alice")
    for command, expected in (
        (RemoveMember("c", team_ids=("support",)), False),
        (AddMembers("c", team_ids=("support",)), True),
    ):
        assert directory.memberships.are_contacts_only("c") is expected
        assert [each.has_teams for each in (await directory.look_up(("alice",))).facts.values()] == [not expected]
        await node.do(BACKEND, command)
        assert directory.memberships.are_contacts_only("c") is not expected
        assert [each.has_teams for each in (await directory.look_up(("alice",))).facts.values()] == [expected]


async def test_an_erased_user_is_in_no_team(node: Node) -> None:
    await desk(node, "bob", "carol")
    await node.do(OPERATOR, EraseUser("bob", redact=False))
    assert (await node.do(BACKEND, GetTeam("support"))).team.member_ids == ("carol",)
    assert await grounds(node) == {"alice": OWN, "carol": OF_TEAM}
    assert await node.refusal(BACKEND, AddTeamMembers("support", ("bob",))) == "conflict"


async def test_a_deleted_conversation_has_no_teams_any_more(node: Node) -> None:
    await desk(node, "bob")
    await node.do(BACKEND, DeleteConversation("c"))
    before = len(node.log)
    await node.do(BACKEND, PutTeam("support", "Support", ("carol",)))
    assert [type(event).__name__ for event in node.log[before:]] == ["TeamUpdated"]


# --- who sees it ------------------------------------------------------------------------------------------------------


async def test_customers_see_teams_and_not_who_is_in_them(node: Node) -> None:
    await desk(node, "bob")
    cursor = (await node.do(ALICE, GetSyncState())).cursor
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    await node.do(ALICE, AddMembers("c", ("bob",)))
    await node.do(BOB, RemoveMember("c", "bob"))
    await node.do(BACKEND, PutTeam("support", "Support", ("carol",)))

    async def events(actor: Actor) -> list[Durable]:
        found = (await node.do(actor, ListEvents(cursor))).events
        return [event for event in found if isinstance(event, MemberAdded | MemberRemoved | MembershipGroundsChanged)]

    of_customer = [(type(event), event.conversation_id) for event in await events(ALICE)]  # type: ignore[union-attr]
    assert of_customer == [(MemberAdded, "c"), (MemberRemoved, "c")]
    assert all(event.via == () if isinstance(event, MemberRemoved) else True for event in await events(ALICE))
    assert [type(event) for event in await events(CAROL)] == [
        MemberAdded,
        MembershipGroundsChanged,
        MembershipGroundsChanged,
        MemberRemoved,
    ]
    view = await node.do(ALICE, GetConversation("c"))
    assert [each.member.user_id for each in view.members] == ["alice"]
    view = await node.do(CAROL, GetConversation("c"))
    assert {each.member.user_id for each in view.members} == {"alice", "carol"}


# --- batches ----------------------------------------------------------------------------------------------------------


def memberships_in(events: Sequence[Durable]) -> int:
    """Returns how many memberships the events of one transaction have written."""
    return sum(
        len(event.members) if isinstance(event, MemberAdded) and event.of_teams else isinstance(event, MemberRemoved)
        for event in events
    )


async def test_a_change_is_written_in_transactions_of_a_bounded_size(node: Node) -> None:
    await node.do(BACKEND, PutTeam("support", "Support", ("bob",)))
    ids = await many_desks(node, 250)
    commits: list[int] = []
    node.chat.subscribe_commits(lambda events: commits.append(memberships_in(events)))
    view = await node.do(BACKEND, PutTeam("support", "Support", ("carol",)))
    assert view.pending_pos is None
    assert max(commits) == MEMBERSHIPS_BATCH_MAX
    assert sum(commits) == 500
    for id_ in ids[::25]:
        assert await grounds(node, id_) == {"alice": OWN, "carol": OF_TEAM}
    commits.clear()
    await node.do(BACKEND, DeleteTeam("support"))
    assert (max(commits), sum(commits)) == (MEMBERSHIPS_BATCH_MAX, 250)
    assert [type(event) for event in node.log[-1:]] == [TeamSettled]


@pytest.mark.parametrize("team", [("bob", "carol"), ("dave",)], ids=["add", "replace"])
async def test_a_batch_takes_few_statements(node: Node, monkeypatch: pytest.MonkeyPatch, team: tuple[str, ...]) -> None:
    """As many for twenty memberships as for two, since messages wait for a batch."""
    await node.do(BACKEND, PutTeam("support", "Support", ("bob",)))
    ids = await many_desks(node, MEMBERSHIPS_BATCH_MAX + FURTHER_MEMBERSHIPS_BATCH_MAX + 2)
    monkeypatch.setattr(team_changer, "MEMBERSHIPS_WAIT_S", 0.0)
    await node.do(BACKEND, PutTeam("support", "Support", team))
    with node.statements() as transactions:
        await TeamChanger(node.chat).finish()
    batches = [statements for statements in transactions if any("INTO log " in each for each in statements)]
    assert len(batches) > 1
    assert max(map(len, batches)) <= STATEMENTS_MAX
    for id_ in ids[::10]:
        assert await grounds(node, id_) == {"alice": OWN, **dict.fromkeys(team, OF_TEAM)}


async def test_of_two_that_finish_a_change_one_writes(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several nodes and commands may wait for a change. If they took turns, each would empty the others' caches, and
    there would be less time between two batches."""
    await node.do(BACKEND, PutTeam("support", "Support", ()))
    ids = await many_desks(node, MEMBERSHIPS_BATCH_MAX + 3 * FURTHER_MEMBERSHIPS_BATCH_MAX + 1)
    monkeypatch.setattr(team_changer, "MEMBERSHIPS_WAIT_S", 0.0)
    await node.do(BACKEND, AddTeamMembers("support", ("bob",)))
    one, other = TeamChanger(node.chat), TeamChanger(node.chat)
    assert [await one.step(), await other.step()] == [0.0, 0.0]
    for _ in range(2):
        assert await one.step() == team_changer.MEMBERSHIPS_PAUSE_S
        assert await other.step() == team_changer.MEMBERSHIPS_OTHERS_PAUSE_S
    at_once = (TEAM_CHANGER, FinishTeamChange(await node.do(TEAM_CHANGER, FindTeamChange())))
    assert [batch.is_written for batch in await node.in_one_batch(at_once, at_once)] == [True, False]
    await other.finish()
    assert (await node.do(BACKEND, GetTeam("support"))).pending_pos is None
    assert all([await grounds(node, id_) == {"alice": OWN, "bob": OF_TEAM} for id_ in ids])


async def test_three_full_teams_join_at_once(node: Node) -> None:
    await node.users(ALICE)
    for team_id in ("a", "b", "c"):
        members = tuple(f"{team_id}{number}" for number in range(TEAM_MEMBERS_MAX))
        await node.do(BACKEND, PutTeam(team_id, team_id, members))
    made = await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("a", "b", "c")))
    assert (made.pending_pos, len(await grounds(node))) == (None, 301)
    await node.do(BACKEND, RemoveMember("c", team_ids=("a", "b")))
    assert len(await grounds(node)) == 101


async def test_what_a_killed_node_has_left_another_one_finishes(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as hasty:
        hasty.setattr(team_changer, "MEMBERSHIPS_WAIT_S", 0.0)
        async with running(database, clock) as node:
            await node.do(BACKEND, PutTeam("support", "Support", ()))
            ids = await many_desks(node, 250)
            view = await node.do(BACKEND, PutTeam("support", "Support", ("carol",)))
            assert view.pending_pos is not None
            assert (await node.do(BACKEND, GetTeam("support"))).pending_pos == view.pending_pos
            assert len([id_ for id_ in ids if "carol" in await grounds(node, id_)]) == MEMBERSHIPS_BATCH_MAX
    async with running(database, clock) as node:
        await TeamChanger(node.chat).finish()
        assert all([(await grounds(node, id_))["carol"] == OF_TEAM for id_ in ids])
        assert (await node.do(BACKEND, GetTeam("support"))).pending_pos is None


async def test_a_deleted_team_is_made_again_only_when_its_members_are_gone(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.do(BACKEND, PutTeam("support", "Support", ("carol",)))
    await many_desks(node, 250)
    with monkeypatch.context() as hasty:
        hasty.setattr(team_changer, "MEMBERSHIPS_WAIT_S", 0.0)
        await node.do(BACKEND, DeleteTeam("support"))
        assert await refused(node, BACKEND, PutTeam("support", "Support", ())) == ("conflict", {"pending": True})
    await TeamChanger(node.chat).finish()
    await node.do(BACKEND, PutTeam("support", "Support", ()))
    assert [event.changed for event in node.log if isinstance(event, ConversationUpdated)] == [("team_ids",)] * 250


async def test_who_left_a_team_before_it_was_deleted_leaves_its_conversations_too(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the memberships that followed from leaving were still to be written."""
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.MEMBERSHIPS_BATCH_MAX", 2)
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.FURTHER_MEMBERSHIPS_BATCH_MAX", 2)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    ids = await many_desks(node, 6)
    monkeypatch.setattr(team_changer, "MEMBERSHIPS_WAIT_S", 0.0)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob",)))
    await node.do(BACKEND, DeleteTeam("support"))
    await TeamChanger(node.chat).finish()
    assert [await grounds(node, id_) for id_ in ids] == [{"alice": OWN}] * 6


async def test_two_back_ends_that_put_the_same_team_at_once_agree(database: Database, clock: Clock) -> None:
    exchange = Exchange()
    async with (
        running(database, clock, exchange, alone=False) as one,
        running(database, clock, exchange, alone=False) as other,
    ):
        await one.do(BACKEND, PutTeam("support", "Support", ()))
        ids = await many_desks(one, 20)
        puts = [
            node.do(BACKEND, PutTeam("support", f"From {node.chat.node_id}", (user_id, "both")))
            for user_id, node in (("u1", one), ("u2", other)) * 5
        ]
        await asyncio.gather(*puts)
        team = (await one.do(BACKEND, GetTeam("support"))).team
        for id_ in ids:
            found = await grounds(other, id_)
            assert found == {"alice": OWN, **dict.fromkeys(team.member_ids, OF_TEAM)}


# --- against a model --------------------------------------------------------------------------------------------------

HOUR_MS = 3_600_000
USERS = ("u1", "u2", "u3", "u4")
TEAMS = ("t1", "t2", "t3")
PLACES = ("p1", "p2", "p3")


class Model:
    """Who is in which team, and which teams, members in their own right and banned users each conversation has."""

    def __init__(self) -> None:
        self.teams: dict[str, set[str]] = {}
        self.own: dict[str, set[str]] = {place: set() for place in PLACES}
        self.of: dict[str, list[str]] = {place: [] for place in PLACES}
        self.banned: dict[str, set[str]] = {place: set() for place in PLACES}
        self.ends: dict[tuple[str, str], int] = {}
        """(place, user) -> when a ban ends by itself, in milliseconds since 1970."""

    def grounds(self, place: str) -> Grounds:
        found = {}
        for user in USERS:
            via = tuple(team for team in self.of[place] if user in self.teams.get(team, ()))
            own = user in self.own[place]
            if (own or via) and user not in self.banned[place]:
                found[user] = (own, via)
        return found

    def pass_time(self, now_ms: int) -> None:
        """Ends the bans whose time is over."""
        for (place, user), until_ms in [*self.ends.items()]:
            if until_ms <= now_ms:
                del self.ends[place, user]
                self.banned[place].discard(user)

    def change(self, chance: random.Random, now_ms: int) -> Command[object]:
        """Makes a random change, and returns its command."""
        place, user, team = chance.choice(PLACES), chance.choice(USERS), chance.choice(TEAMS)
        match chance.choice(["put", "put", "delete", "team", "team", "no team", "own", "leave", "ban", "unban"]):
            case "put":
                members = {each for each in USERS if chance.random() < 0.5}
                self.teams[team] = members
                return PutTeam(team, "Team", tuple(sorted(members)))
            case "delete" if team in self.teams:
                del self.teams[team]
                self.of = {id_: [each for each in of if each != team] for id_, of in self.of.items()}
                return DeleteTeam(team)
            case "team" if team in self.teams:
                self.of[place] += [] if team in self.of[place] else [team]
                return AddMembers(place, team_ids=(team,))
            case "no team":
                self.of[place] = [each for each in self.of[place] if each != team]
                return RemoveMember(place, team_ids=(team,))
            case "own" if user not in self.banned[place]:
                self.own[place].add(user)
                return AddMembers(place, (user,))
            case "leave" if user in self.own[place]:
                self.own[place].discard(user)
                return RemoveMember(place, user)
            case "ban":
                self.banned[place].add(user)
                self.own[place].discard(user)
                self.ends.pop((place, user), None)
                until_ms = chance.choice([None, now_ms + HOUR_MS, now_ms + 2 * HOUR_MS])
                if until_ms is not None:
                    self.ends[place, user] = until_ms
                return RestrictMember(place, user, "ban", until_ms)
            case "unban":
                self.banned[place].discard(user)
                self.ends.pop((place, user), None)
                return UnrestrictMember(place, user, "ban")
            case _:
                return self.change(chance, now_ms)


async def write_notes(node: Node, chance: random.Random) -> None:
    """Lets some users write a note about a conversation, if they are there through a team just now."""
    place = chance.choice(PLACES)
    for user in chance.sample(USERS, 2):
        with contextlib.suppress(ChatError):
            await node.do(BACKEND, SendNote(place, "a note", sender_id=user))


async def is_as_in(node: Node, model: Model, place: str) -> bool:
    """Checks that the members of a conversation are those of the model, in the database and in the directory. Returns
    whether the conversation has notes, whose members are then checked too."""
    found = await grounds(node, place)
    assert found.pop("alice") == OWN
    assert found == model.grounds(place)
    view = await node.do(BACKEND, GetConversation(place))
    assert view.conversation.member_count == 1 + sum(own for own, _ in found.values())
    memberships = node.chat.directory.memberships
    membership = memberships.get(place)
    if membership is not None:
        # The size is not loaded while nobody needs it.
        assert memberships.is_incomplete(place) or membership.member_count == view.conversation.member_count
        assert {*membership.user_ids} == found.keys()
        assert membership.staff == ({user: own for user, (own, via) in found.items() if via} or None)
    if view.conversation.notes_id is None:
        return False
    in_notes = {user: (False, via) for user, (_, via) in found.items() if via}
    assert await grounds(node, view.conversation.notes_id) == in_notes
    return True


@pytest.mark.parametrize("seed", range(2))
async def test_memberships_follow_from_teams_whatever_happens(
    node: Node, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """With batches of two memberships that come late, so that changes of teams, bans and their ends, leaving and notes
    come in between. The memberships in a conversation's notes are those that its members have through teams."""
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.MEMBERSHIPS_BATCH_MAX", 2)
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.FURTHER_MEMBERSHIPS_BATCH_MAX", 2)
    monkeypatch.setattr(team_changer, "MEMBERSHIPS_WAIT_S", 0.0)
    chance, model = random.Random(seed), Model()
    await node.users(*(Actor(user, user) for user in USERS), ALICE)
    directory = node.chat.directory
    for user in USERS:
        directory.hold(user, await directory.find(user))
    for place in PLACES:
        await node.do(BACKEND, CreateConversation("group", ("alice",), id=place, owner_id="alice"))
    for _ in range(60):
        if chance.random() < 0.2:
            node.clock.now_ms += HOUR_MS
            model.pass_time(node.clock.now_ms)
        if chance.random() < 0.2:
            await node.fire()
        command = model.change(chance, node.clock.now_ms)
        if isinstance(command, PutTeam):
            await TeamChanger(node.chat).finish()  # a deleted team is made again only then
        await node.do(BACKEND, command)
        await write_notes(node, chance)
        if chance.random() < 0.3:
            await TeamChanger(node.chat).finish()
    await node.fire()
    await TeamChanger(node.chat).finish()
    compared = [await is_as_in(node, model, place) for place in PLACES]
    assert any(compared)
    loaded = (await directory.look_up(USERS)).entries
    for user in USERS:
        entry, fresh = directory.peek(user), loaded[user]
        assert entry is not None
        assert (entry.conversation_ids, entry.staffed) == (fresh.conversation_ids, fresh.staffed)
        assert entry.unlisted == fresh.unlisted
