"""Which messages are work for an agent, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from talkwire.core.commands.accounts import BanUser, PutUser, UnbanUser
from talkwire.core.commands.agents.turns import ListTurns
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import (
    EditMessage,
    FollowThread,
    ForwardMessage,
    ListMessages,
    SendMessage,
    UnfollowThread,
)
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.model import Actor, AgentsPolicy, Message
from talkwire.core.domain.parts.message_parts import TextPart
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.contracts.test_stream_rules import begin, end
from tests.contracts.turn_actions import HELPER, OTHER, claim, claims, ids, scene, states, work
from tests.databases import Database

Case = Callable[[Node], Awaitable[Message]]
"""Sends a message, and returns the one that may be work for Helper."""


async def sent(node: Node, command: SendMessage, by: Actor = BOB) -> Message:
    message = await node.do(by, replace(command, conversation_id="c"))
    assert isinstance(message, Message)
    return message


async def plain(node: Node) -> Message:
    return await node.send(BOB, "Hello")


async def mention(node: Node) -> Message:
    return await node.send(BOB, "@Helper hello")


async def mention_of_other(node: Node) -> Message:
    return await node.send(BOB, "@Carol hello")


async def everyone(node: Node) -> Message:
    return await node.send(BOB, "@all hello")


async def reply(node: Node) -> Message:
    first = await node.send(HELPER, "Hello")
    return await sent(node, SendMessage("c", "Yes?", reply_to_id=str(first.id)))


async def reply_to_another(node: Node) -> Message:
    first = await node.send(CAROL, "Hello")
    return await sent(node, SendMessage("c", "Yes?", reply_to_id=str(first.id)))


async def in_thread_of_agent(node: Node) -> Message:
    root = await node.send(HELPER, "Hello")
    return await sent(node, SendMessage("c", "Yes?", thread_id=str(root.id)))


async def in_thread_it_wrote_in(node: Node) -> Message:
    root = await node.send(CAROL, "Hello")
    await sent(node, SendMessage("c", "Hello", thread_id=str(root.id)), HELPER)
    return await sent(node, SendMessage("c", "Yes?", thread_id=str(root.id)))


async def in_thread_it_was_mentioned_in(node: Node) -> Message:
    root = await node.send(CAROL, "Hello")
    await sent(node, SendMessage("c", "@Helper?", thread_id=str(root.id)), CAROL)
    return await sent(node, SendMessage("c", "Yes?", thread_id=str(root.id)))


async def in_thread_it_chose_to_follow(node: Node) -> Message:
    root = await node.send(CAROL, "Hello")
    await node.do(HELPER, FollowThread(str(root.id)))
    return await sent(node, SendMessage("c", "Yes?", thread_id=str(root.id)))


async def in_other_thread(node: Node) -> Message:
    root = await node.send(CAROL, "Hello")
    return await sent(node, SendMessage("c", "Yes?", thread_id=str(root.id)))


async def in_thread_it_left(node: Node) -> Message:
    root = await node.send(HELPER, "Hello")
    await node.do(HELPER, UnfollowThread(str(root.id)))
    return await sent(node, SendMessage("c", "Yes?", thread_id=str(root.id)))


async def edited(node: Node) -> Message:
    message = await node.send(BOB, "Hello")
    await node.do(BOB, EditMessage(str(message.id), "@Helper hello"))
    return message


async def imported(node: Node) -> Message:
    return await sent(node, SendMessage("c", "@Helper hello", sender_id="bob", created_ms=1), BACKEND)


async def system(node: Node) -> Message:
    return await sent(node, SendMessage("c", "@Helper hello", sender_id="bob", system=True), BACKEND)


async def by_back_end(node: Node) -> Message:
    return await sent(node, SendMessage("c", "@Helper hello", sender_id="bob"), BACKEND)


async def by_blocked(node: Node) -> Message:
    await node.do(HELPER, BlockUser("bob"))
    return await mention(node)


async def by_one_who_blocks(node: Node) -> Message:
    await node.do(BOB, BlockUser("helper"))
    return await mention(node)


async def by_itself(node: Node) -> Message:
    return await node.send(HELPER, "@Helper note to myself")


async def by_other_agent(node: Node) -> Message:
    return await node.send(OTHER, "@Helper hello")


async def plain_by_other_agent(node: Node) -> Message:
    return await node.send(OTHER, "Hello")


async def forwarded(node: Node) -> Message:
    source = await node.do(BOB, SendMessage("d", "Hello"))
    (copy,) = await node.do(BOB, ForwardMessage(str(source.id), ("c",)))
    assert isinstance(copy, Message)
    return copy


async def stream(node: Node, text: str, state: str = "done") -> Message:
    begun = await node.do(BOB, begin())
    assert work(node) == [], "not before its end"
    message = await node.do(BOB, end(begun, TextPart(text), state=state))
    assert isinstance(message, Message)
    return message


async def streamed(node: Node) -> Message:
    return await stream(node, "Hello")


async def streamed_mention(node: Node) -> Message:
    return await stream(node, "@Helper hello")


async def interrupted(node: Node) -> Message:
    message = await stream(node, "@Helper hello", "interrupted")
    await node.do(BOB, end(await node.do(BOB, begin()), TextPart("@Helper hello again")))
    return message


async def interrupted_and_mentioned_later(node: Node) -> Message:
    message = await stream(node, "Hello", "interrupted")
    await node.do(BOB, end(await node.do(BOB, begin()), TextPart("@Helper hello")))
    return message


BOTH, ALL, NONE = ("mentions", "all"), ("all",), ()
WORK: dict[Case, tuple[str, ...]] = {
    plain: ALL,
    mention: BOTH,
    mention_of_other: ALL,
    everyone: ALL,
    reply: BOTH,
    reply_to_another: ALL,
    in_thread_of_agent: BOTH,
    in_thread_it_wrote_in: BOTH,
    in_thread_it_was_mentioned_in: BOTH,
    in_thread_it_chose_to_follow: BOTH,
    in_other_thread: ALL,
    in_thread_it_left: ALL,
    edited: ALL,
    imported: NONE,
    system: NONE,
    by_back_end: BOTH,
    by_blocked: NONE,
    by_one_who_blocks: BOTH,
    by_itself: NONE,
    by_other_agent: BOTH,
    plain_by_other_agent: ALL,
    forwarded: ALL,
    streamed: ALL,
    streamed_mention: BOTH,
    interrupted: BOTH,
    interrupted_and_mentioned_later: ALL,
}
"""The messages, and the policies with which they are work."""


@pytest.mark.parametrize("policy", ["mentions", "all", "off", None])
@pytest.mark.parametrize("case", WORK, ids=lambda case: case.__name__)
async def test_which_messages_of_a_group_are_work(
    database: Database,
    clock: Clock,
    case: Case,
    policy: AgentsPolicy | None,
) -> None:
    async with running(database, clock, policy=AccessPolicy(streams="everyone")) as node:
        await scene(node, policy, others=(OTHER,))
        await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="d"))
        message = await case(node)
        is_work = (policy or "mentions") in WORK[case]
        assert (message.id in work(node)) is is_work
        assert (message.id in [id_ for each in await claims(node) for id_ in ids(each)]) is is_work
        assert work(node).count(message.id) <= 1


@pytest.mark.parametrize("policy", ["mentions", "all", "off", None])
@pytest.mark.parametrize("text", ["Hello", "@Helper hello"])
async def test_which_messages_of_a_direct_conversation_are_work(
    node: Node, text: str, policy: AgentsPolicy | None
) -> None:
    await scene(node)
    direct = (await node.do(BOB, CreateConversation("direct", member_ids=("helper",)))).conversation.id
    if policy is not None:
        await node.do(BOB, UpdateConversation(direct, agents=policy))
    message = await node.send(BOB, text, to=direct)
    is_work = policy in {"all", None} or (policy == "mentions" and text != "Hello")
    assert (message.id in work(node)) is is_work


# --- who, and from when -----------------------------------------------------------------------------------------------


async def test_work_begins_after_the_membership(node: Node) -> None:
    await scene(node)
    before = await node.send(BOB, "@Other Before")
    await node.do(ALICE, AddMembers("c", ("other",)))
    after = await node.send(BOB, "After")
    assert ids(await claim(node, OTHER)) == [after.id]
    assert before.id not in work(node, OTHER)


async def test_work_begins_after_the_user_has_become_an_agent(node: Node) -> None:
    await scene(node)
    before = await node.send(ALICE, "@Bob Before")
    await node.do(BACKEND, PutUser("bob", kind="agent"))
    after = await node.send(ALICE, "After")
    assert ids(await claim(node, BOB)) == [after.id]
    assert before.id not in work(node, BOB)


async def test_there_is_no_work_after_the_agent_has_left(node: Node) -> None:
    await scene(node)
    await node.do(ALICE, RemoveMember("c", "helper"))
    await node.send(BOB, "Hello")
    assert (await states(node), work(node)) == ([], [])


async def test_there_is_no_work_for_a_banned_agent(node: Node) -> None:
    await scene(node)
    await node.do(BACKEND, BanUser("helper"))
    await node.send(BOB, "Meanwhile")
    await node.do(BACKEND, UnbanUser("helper"))
    later = await node.send(BOB, "Later")
    assert ids(await claim(node)) == [later.id]


async def test_people_have_no_work(node: Node) -> None:
    await scene(node)
    await node.send(HELPER, "@Bob Hello")
    assert await states(node) == []


async def test_each_agent_has_its_own_turn(node: Node) -> None:
    await scene(node, "mentions", others=(OTHER,))
    both = await node.send(BOB, "@Helper @Other hello")
    one = await node.send(BOB, "@Other you")
    assert (work(node), work(node, OTHER)) == ([both.id], [both.id, one.id])


async def test_a_message_that_addresses_an_agent_twice_is_work_once(node: Node) -> None:
    await scene(node, "mentions")
    root = await node.send(HELPER, "Hello")
    await node.do(BOB, SendMessage("c", "@Helper @Helper hm", thread_id=str(root.id), reply_to_id=str(root.id)))
    assert len(work(node)) == 1


# --- the policy -------------------------------------------------------------------------------------------------------

MAY_CHANGE = {
    "the owner": (ALICE, True),
    "the back end": (BACKEND, True),
    "an operator": (OPERATOR, True),
    "a member": (BOB, False),
    "the agent": (HELPER, False),
    "a stranger": (MALLORY, False),
}


@pytest.mark.parametrize("who", MAY_CHANGE)
async def test_who_says_which_messages_are_work(node: Node, who: str) -> None:
    await scene(node, "mentions")
    actor, may = MAY_CHANGE[who]
    command = UpdateConversation("c", agents="all")
    if may:
        assert (await node.do(actor, command)).conversation.agents == "all"
        assert (await node.do(actor, UpdateConversation("c", agents=None))).conversation.agents is None
    else:
        assert await node.refusal(actor, command) == "forbidden"


async def test_either_says_so_in_a_direct_conversation_and_nothing_else(node: Node) -> None:
    await scene(node)
    direct = (await node.do(BOB, CreateConversation("direct", member_ids=("helper",)))).conversation.id
    changes: list[tuple[Actor, AgentsPolicy]] = [(BOB, "off"), (HELPER, "mentions"), (BACKEND, "all")]
    for actor, policy in changes:
        update = UpdateConversation(direct, agents=policy)
        assert (await node.do(actor, update)).conversation.agents == policy
    assert await node.refusal(ALICE, UpdateConversation(direct, agents="off")) == "forbidden"
    assert await node.refusal(BOB, UpdateConversation(direct, agents="off", topic="x")) in {
        "forbidden",
        "invalid_request",
    }


async def test_off_ends_what_waits_and_leaves_what_is_worked_on(node: Node) -> None:
    await scene(node, others=(OTHER,))
    await node.send(BOB, "Hello")
    claimed = await claim(node)
    await node.do(ALICE, UpdateConversation("c", agents="off"))
    assert await states(node) == ["working", "done"]
    await node.send(BOB, "@Helper hello")
    await node.do(HELPER, SendMessage("c", "An answer", turn=claimed.turn.token))
    assert await states(node) == ["done", "done"]
    assert await claims(node) == []


async def test_agents_read_all_messages_whatever_is_work(node: Node) -> None:
    await scene(node, "off")
    await node.send(BOB, "Hello")
    assert [message.content for message in (await node.do(HELPER, ListMessages("c"))).items] == ["Hello"]
    assert (await node.do(BACKEND, ListTurns())).items == ()
