"""What messages of agents state: who generated them, and in whose name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from talkwire.core.commands.accounts import EraseUser, GetUser, PutUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    GivenGenerated,
    SendMessage,
    SendMessages,
)
from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Actor, Generated, Message
from talkwire.payloads.messages import message_payload
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Node

HELPER = Actor("helper", "Helper")
AGENT = PutUser("helper", name="Helper", kind="agent", owner_id="alice")
MODEL = GivenGenerated("small-1")


async def with_agent(node: Node) -> None:
    """Makes a group of Alice, Bob and the agent Helper, which Alice owns."""
    await node.users(ALICE, BOB)
    await node.do(BACKEND, AGENT)
    await node.group("c", ALICE, BOB, HELPER)


async def error_of(node: Node, actor: Actor, command: Command[Any]) -> ChatError:
    with pytest.raises(ChatError) as refused:
        await node.do(actor, command)
    return refused.value


def _paths(error: ChatError) -> list[object]:
    assert isinstance(error.details, list)
    return [each["path"] for each in error.details]


def stated(content: str = "Hello", **more: Any) -> SendMessage:  # noqa: ANN401 (fields of the command)
    return SendMessage("c", content, **more)


# --- messages ---------------------------------------------------------------------------------------------------------


async def test_each_message_of_an_agent_says_so_whoever_sends_it(node: Node) -> None:
    await with_agent(node)
    sent: Sequence[Message] = [
        await node.do(HELPER, stated()),
        await node.do(HELPER, stated("@Bob Hello")),
        await node.do(BACKEND, stated(sender_id="helper")),
        *await node.do(BACKEND, SendMessages((stated(sender_id="helper"),))),
        await node.do(BACKEND, stated(sender_id="helper", system=True)),
        await node.do(BACKEND, stated(sender_id="helper", created_ms=node.clock.now_ms)),
    ]
    assert [each.generated for each in sent] == [Generated("helper")] * len(sent)
    logged = [event.message for event in node.log if isinstance(event, MessageSent)]
    assert logged == sent
    for each in sent:
        assert await node.do(BOB, GetMessage(str(each.id))) == each
    assert await node.replay() == node.log
    assert (await node.do(BOB, stated())).generated is None


async def test_an_agent_names_its_model_and_its_owner(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(HELPER, stated(generated=MODEL, on_behalf_of="alice"))
    assert (sent.generated, sent.on_behalf_of) == (Generated("helper", "small-1"), "alice")
    assert await node.do(BOB, GetMessage(str(sent.id))) == sent
    payload = message_payload(sent)
    assert (payload.generated.by, payload.generated.model) == ("helper", "small-1")  # type: ignore[union-attr]
    assert payload.on_behalf_of == "alice"
    edited = await node.do(HELPER, EditMessage(str(sent.id), "Hello again"))
    assert (edited.generated, edited.on_behalf_of) == (sent.generated, "alice")
    await node.do(HELPER, DeleteMessage(str(sent.id)))
    left = await node.do(BOB, GetMessage(str(sent.id)))
    assert (left.generated, left.on_behalf_of) == (None, None)


@pytest.mark.parametrize("actor", [ALICE, HELPER], ids=["a person", "an agent"])
async def test_a_forwarded_copy_says_who_generated_the_original(node: Node, actor: Actor) -> None:
    await with_agent(node)
    await node.group("d", ALICE, HELPER)
    sent = await node.do(HELPER, stated(generated=MODEL, on_behalf_of="alice"))
    (copy,) = await node.do(actor, ForwardMessage(str(sent.id), ("d",)))
    assert (copy.sender_id, copy.generated, copy.on_behalf_of) == (actor.user_id, Generated("helper", "small-1"), None)
    (of_bob,) = await node.do(actor, ForwardMessage(str((await node.send(BOB, "By hand")).id), ("d",)))
    assert of_bob.generated is None
    assert await node.do(ALICE, GetMessage(str(copy.id))) == copy


@pytest.mark.parametrize(
    ("actor", "command", "cause"),
    [
        (BOB, stated(generated=MODEL), "not_agent"),
        (BOB, stated(generated=GivenGenerated()), "not_agent"),
        (BOB, stated(on_behalf_of="alice"), "not_agent"),
        (BOB, stated(on_behalf_of="bob"), "not_agent"),
        (BACKEND, stated(generated=MODEL, sender_id="bob"), "not_agent"),
        (BACKEND, stated(generated=MODEL, sender_id="bob", created_ms=0), "not_agent"),
        (BACKEND, stated(generated=MODEL, system=True), "not_agent"),
        (HELPER, stated(on_behalf_of="bob"), "not_agents_owner"),
        (HELPER, stated(on_behalf_of="helper"), "not_agents_owner"),
        (HELPER, stated(on_behalf_of="nobody"), "not_agents_owner"),
        (BACKEND, stated(on_behalf_of="bob", sender_id="helper"), "not_agents_owner"),
    ],
)
async def test_only_agents_say_so_and_only_on_behalf_of_their_owner(
    node: Node, actor: Actor, command: SendMessage, cause: str
) -> None:
    await with_agent(node)
    before = len(node.log)
    error = await error_of(node, actor, command)
    assert (error.code, error.cause) == ("forbidden", cause)
    assert len(node.log) == before
    assert (await node.do(OPERATOR, ListAudit())).items == ()


async def test_an_agent_without_an_owner_writes_on_behalf_of_nobody(node: Node) -> None:
    await with_agent(node)
    await node.do(BACKEND, PutUser("helper", owner_id=None))
    assert await node.refusal(HELPER, stated(on_behalf_of="alice")) == "forbidden"
    await node.do(BACKEND, PutUser("helper", owner_id="bob"))
    assert (await node.do(HELPER, stated(on_behalf_of="bob"))).on_behalf_of == "bob"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"generated": GivenGenerated("")}, "generated.model"),
        ({"generated": GivenGenerated("x" * 129)}, "generated.model"),
        ({"on_behalf_of": ""}, "onBehalfOf"),
        ({"on_behalf_of": "a b"}, "onBehalfOf"),
    ],
)
async def test_invalid_statements_are_refused_by_name(node: Node, more: dict[str, Any], path: str) -> None:
    await with_agent(node)
    error = await error_of(node, HELPER, stated(**more))
    assert (error.code, _paths(error)) == ("invalid_request", [path])
    assert (await node.do(HELPER, stated(generated=GivenGenerated("x" * 128)))).generated == Generated(
        "helper", "x" * 128
    )


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"generated": GivenGenerated("large-2"), "on_behalf_of": "alice"},
        {"generated": MODEL},
        {"on_behalf_of": "alice"},
    ],
)
async def test_a_retry_repeats_both(node: Node, other: dict[str, Any]) -> None:
    await with_agent(node)
    command = stated(client_message_id="m", generated=MODEL, on_behalf_of="alice")
    sent = await node.do(HELPER, command)
    assert await node.do(HELPER, command) == sent
    assert (await node.do(HELPER, AnswerRetry(command))).result == sent
    assert await node.refusal(HELPER, stated(client_message_id="m", **other)) == "conflict"
    assert len((await node.do(OPERATOR, ListAudit())).items) == 1, "a retry sends nothing"


@pytest.mark.parametrize("actor", [HELPER, BACKEND])
async def test_a_message_on_behalf_of_somebody_has_one_entry_in_the_audit_log(node: Node, actor: Actor) -> None:
    await with_agent(node)
    sender_id = None if actor is HELPER else "helper"
    await node.do(actor, stated(sender_id=sender_id, generated=MODEL))
    assert (await node.do(OPERATOR, ListAudit())).items == ()
    sent = await node.do(actor, stated(sender_id=sender_id, on_behalf_of="alice"))
    (entry,) = (await node.do(OPERATOR, ListAudit())).items
    found = entry.action, entry.actor_id, entry.target_id, entry.conversation_id, entry.at_ms
    assert found == ("message-on-behalf", actor.user_id, str(sent.id), "c", sent.created_ms)


# --- erasure ----------------------------------------------------------------------------------------------------------


async def test_ids_of_an_erased_owner_stay_and_nothing_new_is_sent_on_their_behalf(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(HELPER, stated(on_behalf_of="alice"))
    await node.do(BACKEND, EraseUser("alice", redact=True))
    assert (await node.do(BOB, GetMessage(str(sent.id)))).on_behalf_of == "alice"
    assert (await node.do(BACKEND, PutUser("helper", owner_id="alice", text="Still here"))).owner_id == "alice"
    error = await error_of(node, HELPER, stated(on_behalf_of="alice"))
    assert (error.code, error.cause) == ("forbidden", "not_agents_owner")
    assert (await node.do(HELPER, stated())).generated == Generated("helper")


async def test_an_erased_agent_stays_an_agent_without_an_owner(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(HELPER, stated(generated=MODEL))
    await node.do(BACKEND, EraseUser("helper", redact=False))
    user = await node.do(BOB, GetUser("helper"))
    assert (user.kind, user.owner_id, user.erased) == ("agent", None, "keep")
    assert (await node.do(BOB, GetMessage(str(sent.id)))).generated == sent.generated
    assert (await node.do(BACKEND, PutUser("alice", kind="agent"))).kind == "agent", "it owns no agent any more"
    await node.do(BACKEND, EraseUser("helper", redact=True))
    assert await node.refusal(BACKEND, PutUser("helper", kind="person")) == "conflict"
