"""Calls that people must approve. Each decision is continued by another agent with other objects, as by another
process: all that it needs is in the conversation."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.cards.card import AskedCard as ServersCard
from talkwire.core.domain.cards.card_checks import check_card
from talkwire.core.domain.cards.card_digest import digest_of as servers_digest_of
from talkwire_agent import needs_approval
from talkwire_agent.agent import Agent, AgentSettings
from talkwire_agent.approvals import (
    Approval,
    CardError,
    PendingCall,
    asked_call,
    card_for,
    decision_of,
    digest_of,
)
from talkwire_agent.model import Model, ToolCall
from talkwire_agent.tools import tool_of
from talkwire_client import AskedCard, Message
from tests.clients_python.agent.conftest import Scene, Shop, asked, handle, handled, sent, tool_parts
from tests.clients_python.agent.fake_turn import AGENT, FakeChat
from tests.clients_python.agent.openai_double import OpenAiDouble, Reply, calls, chunk, texts
from tests.waiting import deadline, until

REFUND = ("r", "refund", '{"order": 17, "amount": 10}')
LETTER = ("l", "send_letter", '{"text": "Dear Ann"}')


async def continued(model: Model, chat: FakeChat, shop: Shop, card: Message) -> list[str]:
    """Continues the turn with another agent, and returns how the turn has ended."""
    unanswered: Any = [message for message in chat.messages if message["senderId"] == "ann"]
    turn = chat.turn(*unanswered, card=card)
    await handled(Agent(model, chat, shop.toolbox(), AgentSettings(update_every_s=0.01)), turn)
    return turn.ends


async def test_a_call_is_asked_about_and_the_turn_waits(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND, text="I refund it."))
    turn = await handled(agent, asked(chat, "Please refund order 17."))
    assert turn.ends == ["asked"]
    assert shop.done == []
    _, answer, card_message = chat.messages
    assert (answer["state"], answer["content"]) == ("done", "I refund it.")
    assert [part["state"] for part in tool_parts(answer)] == ["approval-requested"]
    card = card_message["card"]
    assert card["title"] == "Run refund?"
    assert card["fields"] == [
        {"label": "Tool", "value": "refund"},
        {"label": "order", "value": "17"},
        {"label": "amount", "value": "10.0"},
    ]
    assert [action["id"] for action in card["actions"]] == ["approve", "decline"]
    assert card["actions"][0]["input"] == {
        "schema": {
            "type": "object",
            "properties": {"order": {"type": "integer"}, "amount": {"type": "number"}},
            "required": ["order", "amount"],
        },
        "values": {"order": 17, "amount": 10.0},
    }
    assert card["decide"] == "first"
    assert "who" not in card


async def test_a_call_without_a_word_before_it_leaves_no_message_but_the_card(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(calls(LETTER))
    await handled(agent, asked(chat))
    assert len(chat.messages) == 2
    assert chat.newest["card"]["who"] == {"roles": ["owner"]}


async def test_an_approved_call_runs_and_the_answer_continues(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND, text="I refund it."), texts("It is refunded."))
    await handled(agent, asked(chat, "Please refund order 17."))
    card = chat.decide(action="approve")
    assert await continued(model, chat, shop, card) == ["done"]
    assert shop.done == ["refund 17 10.0"]
    (part,) = tool_parts(chat.newest)
    assert part["cardId"] == card["id"]
    assert (part["state"], part["output"]) == ("output-available", "refunded")
    assert chat.newest["content"] == "It is refunded."
    question, before, call, result = sent(double)
    assert question["role"] == "user"
    assert before == {"role": "assistant", "content": "I refund it."}
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] == "r"
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"order": 17, "amount": 10}
    assert result["content"] == "refunded"


async def test_a_call_after_an_approval_has_an_id_of_its_own(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND), calls(("r", "track", '{"order": 17}')), texts("It is refunded."))
    await handled(agent, asked(chat))
    await continued(model, chat, shop, chat.decide(action="approve"))
    assert [part["toolCallId"] for part in tool_parts(chat.newest)] == ["r", "r-2"]


async def test_the_approver_changes_the_arguments(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND), texts("Half of it is refunded."))
    await handled(agent, asked(chat))
    await continued(model, chat, shop, chat.decide(action="approve", order=17, amount=5))
    assert shop.done == ["refund 17 5.0"]
    assert tool_parts(chat.newest)[0]["input"] == {"order": 17, "amount": 5.0}
    assert sent(double)[-1]["content"] == (
        'A person has approved this call with other arguments: {"order": 17, "amount": 5.0}\n\nrefunded'
    )


@pytest.mark.parametrize(
    ("outcome", "action", "reason"),
    [
        ("decided", "decline", "A person has declined this call"),
        ("expired", None, "Nobody has approved this call in time"),
        ("cancelled", None, "The request for approval was cancelled"),
        ("unreachable", None, "Nobody is left"),
        ("superseded", None, "This call was not approved"),
    ],
)
async def test_a_call_that_is_not_approved_does_not_run(
    scene: Scene, outcome: str, action: str | None, reason: str
) -> None:
    double, chat, shop = scene.double, scene.chat, scene.shop
    double.answers(calls(REFUND), texts("Then not."))
    await handled(scene.agent, asked(chat))
    assert await continued(scene.model, chat, shop, chat.decide(outcome, action)) == ["done"]
    assert shop.done == []
    assert sent(double)[-1]["content"].startswith(reason)
    assert [part["state"] for part in tool_parts(chat.newest)] == ["output-denied"]


async def test_parallel_calls_are_approved_one_after_the_other(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND, ("t", "track", '{"order": 17}'), LETTER), texts("All is done."))
    await handled(agent, asked(chat))
    assert shop.done == ["track 17"]
    assert await continued(model, chat, shop, chat.decide(action="approve")) == ["asked"]
    assert shop.done == ["track 17", "refund 17 10.0"]
    assert chat.newest["card"]["title"] == "Run send_letter?"
    assert await continued(model, chat, shop, chat.decide(action="approve")) == ["done"]
    assert shop.done == ["track 17", "refund 17 10.0", "letter"]
    assert len(double.requests) == 2
    results = {each["tool_call_id"]: each["content"] for each in sent(double) if each["role"] == "tool"}
    assert results == {"t": "order 17 is in Graz", "r": "refunded", "l": "sent"}
    assert chat.newest["content"] == "All is done."


async def test_rounds_before_an_approval_count(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    track = calls(("t", "track", '{"order": 1}'))
    double.answers(*[track] * 8, calls(REFUND), track, texts("Enough."))
    await handled(agent, asked(chat))
    assert await continued(model, chat, shop, chat.decide(action="approve")) == ["done"]
    assert ["tool_choice" in request for request in double.requests] == [False] * 10 + [True]


async def test_a_tool_that_was_begun_by_a_process_that_died_does_not_run_again(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat
) -> None:
    ran = 0
    began = asyncio.Event()

    @needs_approval
    async def refund(order: int, amount: float) -> str:
        """Refunds an order."""
        nonlocal ran
        ran += 1
        began.set()
        await asyncio.Event().wait()
        return ""

    shop = Shop()
    shop.extra = [tool_of(refund)]
    double.answers(calls(REFUND), texts("Please check."))
    await handled(agent, asked(chat))
    card = chat.decide(action="approve")
    turn = chat.turn(card=card)
    task = asyncio.create_task(handle(Agent(model, chat, shop.toolbox()), turn))
    async with deadline():
        await began.wait()
    # What the server has stored by now is all that the next process knows.
    stored = chat.newest["parts"]
    assert [part["state"] for part in stored] == ["input-available"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await continued(model, chat, shop, card) == ["done"]
    assert ran == 1
    assert "its outcome is unknown" in sent(double)[-1]["content"]
    assert [part["state"] for part in tool_parts(chat.newest)] == ["output-error"]


async def test_the_result_of_an_attempt_that_failed_later_is_used_again(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND), Reply([chunk({"content": "It is"})], ending="break"), texts("It is refunded."))
    await handled(agent, asked(chat))
    card = chat.decide(action="approve")
    assert await continued(model, chat, shop, card) == ["failed model_unavailable"]
    for number in range(120):
        chat.add("bob", f"{number} " + "x" * 1000)
    assert await continued(model, chat, shop, card) == ["done"]
    assert shop.done == ["refund 17 10.0"]
    assert sent(double)[-1]["content"] == "refunded"
    assert chat.newest["content"] == "It is refunded."


async def test_an_attempt_that_dies_before_it_writes_keeps_the_result_of_the_one_before(scene: Scene) -> None:
    double, chat, shop = scene.double, scene.chat, scene.shop
    silent = [Reply([chunk({"content": "It is"})], ending="silence"), Reply(ending="silence")]
    double.answers(calls(REFUND), *silent, texts("It is refunded."))
    await handled(scene.agent, asked(chat))
    card = chat.decide(action="approve")

    async def dies(requests: int, kinds: list[str]) -> None:
        """Lets an attempt die once the model was asked so often and these parts are written."""
        turn = chat.turn(card=card)
        task = asyncio.create_task(handle(Agent(scene.model, chat, shop.toolbox()), turn))
        await until(lambda: len(double.requests) == requests)
        await until(lambda: [part["type"] for part in turn.writer.written] == kinds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await dies(2, ["tool", "text"])
    await dies(3, ["tool"])
    assert await continued(scene.model, chat, shop, card) == ["done"]
    assert shop.done == ["refund 17 10.0"]
    assert [part["state"] for part in tool_parts(chat.newest)] == ["output-available"]
    assert chat.newest["content"] == "It is refunded."


async def test_a_stop_while_an_approved_tool_runs(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND), Reply([chunk({"content": "It is"})], ending="silence"))
    await handled(agent, asked(chat))
    turn = chat.turn(card=chat.decide(action="approve"))
    task = asyncio.create_task(handle(agent, turn))
    await until(lambda: turn.writers and "text" in [part["type"] for part in turn.writer.written])
    turn.ask_to_stop()
    async with deadline():
        await task
    assert turn.ends == ["done"]
    assert chat.newest["state"] == "stopped"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"digest": "0" * 64}, id="another digest"),
        pytest.param({"subject": {"talkwireAgent": {}}}, id="no call"),
        pytest.param({"state": "open", "outcome": "open"}, id="open"),
        pytest.param({"subject": {}}, id="another application's"),
    ],
)
async def test_a_card_that_was_not_asked_so_runs_nothing(scene: Scene, change: dict[str, Any]) -> None:
    double, chat, shop = scene.double, scene.chat, scene.shop
    double.answers(calls(REFUND), texts("I ask again."))
    await handled(scene.agent, asked(chat))
    card = chat.decide(action="approve")
    card["card"].update(change)  # type: ignore[typeddict-item]
    ends = await continued(scene.model, chat, shop, card)
    assert shop.done == []
    if "digest" in change:
        assert ends == ["done"]
        assert "has changed since the approval" in sent(double)[-1]["content"]
    else:
        assert ends == ["failed invalid_card"]


async def test_the_card_of_another_member_runs_nothing(
    double: OpenAiDouble, model: Model, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(REFUND), texts("No."))
    await handled(agent, asked(chat))
    card = chat.decide(action="approve")
    card["senderId"] = "mallory"
    assert await continued(model, chat, shop, card) == ["failed invalid_card"]
    assert shop.done == []


@pytest.mark.parametrize("kind", ["gone", "needs none", "other approvers", "other types"])
async def test_a_tool_that_has_changed_since_does_not_run(scene: Scene, kind: str) -> None:
    double, chat, shop = scene.double, scene.chat, scene.shop
    double.answers(calls(REFUND), texts("I ask again."))
    await handled(scene.agent, asked(chat))
    toolbox = shop.toolbox()
    tools = dict(toolbox.tools)
    refund = tools.pop("refund")
    if kind == "needs none":
        tools["refund"] = replace(refund, approvers=None)
    elif kind == "other approvers":
        tools["refund"] = replace(refund, approvers=tools["send_letter"].approvers)
    elif kind == "other types":
        tools["refund"] = replace(refund, parameters=tools["track"].parameters)
    turn = chat.turn(card=chat.decide(action="approve"))
    await handled(Agent(scene.model, chat, replace(toolbox, tools=tools)), turn)
    assert turn.ends == ["done"]
    assert shop.done == []
    assert "has changed since the approval" in sent(double)[-1]["content"]


async def test_arguments_that_no_card_holds_are_refused_to_the_model(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    long = ("l", "send_letter", json.dumps({"text": "x" * 5000}))
    double.answers(calls(long, ("t", "track", '{"order": 17}')), texts("It is too long."))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["done"]
    refused, tracked = (each for each in sent(double) if each["role"] == "tool")
    assert "too long to be approved" in refused["content"]
    assert tracked["content"] == "order 17 is in Graz"
    assert shop.done == ["track 17"]


# --- cards ------------------------------------------------------------------------------------------------------------


@needs_approval(users=["ann"], roles=["owner", "admin"])
def mail(to: str, text: str, kind: Literal["letter", "parcel"], copies: int = 1, weight: float = 0.5) -> str:
    """Sends something."""
    return ""


MAIL = tool_of(mail)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=1500)


@st.composite
def mail_calls(draw: st.DrawFn) -> PendingCall:
    arguments = {
        "to": draw(WORDS),
        "text": draw(WORDS),
        "kind": draw(st.sampled_from(["letter", "parcel"])),
        "copies": draw(st.integers(-(2**53) + 1, 2**53 - 1)),
        "weight": draw(st.floats(-1e15, 1e15)),
    }
    return PendingCall(
        MAIL, ToolCall(draw(st.text("abc-", min_size=1, max_size=9)), "mail", ""), MAIL.checked(arguments)
    )


@given(pending=mail_calls(), waiting=st.lists(WORDS, max_size=6), rounds=st.integers(1, 10))
def test_the_server_takes_each_card_and_what_was_asked_can_be_read_from_it(
    pending: PendingCall, waiting: list[str], rounds: int
) -> None:
    later = [ToolCall(f"w{index}", "mail", json.dumps({"text": text})) for index, text in enumerate(waiting)]
    try:
        card = card_for(pending, later, rounds, now=NOW)
    except CardError:
        assert len(json.dumps(dict(pending.arguments), ensure_ascii=False).encode()) > 2500
        return
    servers = msgspec.convert(card, ServersCard)
    check_card(servers)
    digest = digest_of(card)
    assert digest == servers_digest_of(servers)
    # What people see has all of what they approve.
    shown = [field["value"] for field in card["fields"]] + [card.get("text", "")]
    for value in pending.arguments.values():
        raw = value if isinstance(value, str) else json.dumps(value)
        assert any(raw in each or json.dumps(value) in each for each in shown)
    ended: Any = json.loads(json.dumps({**card, "digest": digest, "state": "decided", "actionId": "approve"}))
    message: Any = {"id": "m1", "senderId": AGENT, "card": ended}
    asked_for = asked_call(message, AGENT)
    assert (asked_for.call.id, asked_for.rounds) == (pending.call.id, rounds)
    assert list(asked_for.waiting) == later[: len(asked_for.waiting)]
    assert decision_of(message, asked_for, {"mail": MAIL}) == Approval(MAIL, dict(pending.arguments), is_edited=False)


def test_a_card_has_an_end_and_says_who_may_decide() -> None:
    arguments = MAIL.checked({"to": "", "text": "a\u200bb", "kind": "letter"})
    card = card_for(PendingCall(MAIL, ToolCall("a", "mail", ""), arguments), (), 1, now=NOW)
    assert card["expiresAt"] == "2026-01-02T00:00:00.000Z"
    assert card["who"] == {"users": ["ann"], "roles": ["owner", "admin"]}
    assert card["fields"] == [
        {"label": "Tool", "value": "mail"},
        {"label": "to", "value": '""'},
        {"label": "text", "value": '"a\\u200bb"'},
        {"label": "kind", "value": "letter"},
    ]


def test_a_long_argument_is_in_the_text_of_the_card_as_far_as_the_subject_holds_it() -> None:
    def card(length: int) -> AskedCard:
        arguments = MAIL.checked({"to": "Graz", "text": "x" * length, "kind": "letter"})
        found = card_for(PendingCall(MAIL, ToolCall("a", "mail", ""), arguments), (), 1, now=NOW)
        check_card(msgspec.convert(found, ServersCard))
        return found

    assert "text" not in card(1000)
    assert card(1001)["text"] == "text: " + "x" * 1001
    assert len(card(3800)["text"]) == 3806
    for length in (3990, 4000):  # too long for the subject, and for the text too
        with pytest.raises(CardError, match="too long to be approved"):
            card(length)
    hidden = MAIL.checked({"to": "Graz", "text": "\u200b" * 700, "kind": "letter"})  # written as escapes
    with pytest.raises(CardError, match="people see at most 4000 characters"):
        card_for(PendingCall(MAIL, ToolCall("a", "mail", ""), hidden), (), 1)


def test_a_card_holds_as_many_waiting_calls_as_its_subject_has_place_for() -> None:
    arguments = MAIL.checked({"to": "Graz", "text": "x", "kind": "letter"})
    waiting = [ToolCall(f"w{index}", "mail", json.dumps({"text": "x" * 1500})) for index in range(3)]
    found: Any = card_for(PendingCall(MAIL, ToolCall("a", "mail", ""), arguments), waiting, 1)
    check_card(msgspec.convert(found, ServersCard))
    message: Any = {"id": "m1", "senderId": AGENT, "card": found}
    assert asked_call(message, AGENT).waiting == tuple(waiting[:2])


def test_a_tool_whose_parameters_no_form_has_is_approved_as_it_is() -> None:
    @needs_approval
    def level(value: Literal[1, 2]) -> str:
        """Sets a level."""
        return ""

    @needs_approval
    def reset() -> str:
        """Resets all."""
        return ""

    for function, arguments in ((level, {"value": 2}), (reset, {})):
        tool = tool_of(function)
        card = card_for(PendingCall(tool, ToolCall("a", tool.name, ""), tool.checked(arguments)), (), 1)
        check_card(msgspec.convert(card, ServersCard))
        assert "input" not in card["actions"][0]
