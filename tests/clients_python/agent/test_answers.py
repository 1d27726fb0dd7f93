"""An agent's turns: a real model client and real tools, with a server for the model that answers as a test says."""

from __future__ import annotations

import asyncio
import json

import pytest

from talkwire_agent.agent import Agent, AgentSettings
from talkwire_agent.answer_message import TEXT_MAX_BYTES
from talkwire_agent.history import HistoryLimits
from talkwire_agent.model import Model
from talkwire_agent.tools import tool_of
from talkwire_agent.turn_answer import CUT_SHORT
from talkwire_client import TalkwireError
from tests.clients_python.agent.conftest import SYSTEM, Shop, asked, handle, handled, sent, tool_parts
from tests.clients_python.agent.fake_turn import AGENT, FakeChat
from tests.clients_python.agent.openai_double import (
    DONE,
    OpenAiDouble,
    Reply,
    calls,
    chunk,
    refusal,
    texts,
)
from tests.waiting import deadline, until

# --- answers ----------------------------------------------------------------------------------------------------------


async def test_an_answer_is_streamed_with_its_reasoning(double: OpenAiDouble, agent: Agent, chat: FakeChat) -> None:
    double.answers(chunk({"reasoning_content": "Order 17."}) + texts("It was ", "sent."))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["done"]
    assert chat.newest["state"] == "done"
    assert chat.newest["parts"] == [
        {"type": "reasoning", "text": "Order 17."},
        {"type": "text", "text": "It was sent."},
    ]
    assert sent(double) == [{"role": "user", "content": "From: Ann (ann)\nWhere is order 17?"}]
    system = double.requests[0]["messages"][0]["content"]
    assert system.startswith(SYSTEM)
    assert "From: NAME (ID)" in system
    assert [tool["function"]["name"] for tool in double.requests[0]["tools"]] == [
        *("track", "wait", "fail", "refund", "send_letter")
    ]


async def test_readers_see_text_while_the_model_writes(double: OpenAiDouble, agent: Agent, chat: FakeChat) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="silence"))
    turn = asked(chat)
    task = asyncio.create_task(handle(agent, turn))
    await until(lambda: turn.writers and turn.writer.written == [{"type": "text", "text": "It was "}])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_note_on_the_turn_reaches_the_model(double: OpenAiDouble, agent: Agent, chat: FakeChat) -> None:
    double.answers(texts("Yes."))
    await handled(agent, chat.turn(chat.add("ann", "Hello?"), note="Ann is a new customer."))
    assert sent(double)[-1] == {"role": "user", "content": "From: the application (a note)\nAnn is a new customer."}


async def test_an_answer_to_a_message_that_is_not_the_newest_any_more_is_a_reply(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(texts("Yes."))
    turn = asked(chat)
    await handled(agent, turn)
    assert "replyTo" not in chat.newest
    turn = asked(chat)
    chat.add("bob", "Thanks.")
    await handled(agent, turn)
    assert chat.newest["replyTo"] == {"id": turn.messages[0]["id"]}


async def test_a_turn_is_attempted_again_with_the_same_message(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(texts("It was sent."))
    turn = asked(chat)
    chat.add(AGENT, state="interrupted", parts=[{"type": "text", "text": "It wa"}])
    await handled(agent, turn)
    assert len(chat.messages) == 2
    assert chat.newest["content"] == "It was sent."
    assert sent(double) == [{"role": "user", "content": "From: Ann (ann)\nWhere is order 17?"}]


# --- tools ------------------------------------------------------------------------------------------------------------


async def test_tools_run_and_the_model_reads_their_results(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(
        calls(("a", "track", '{"order": 17}'), ("b", "track", '{"order": 18}'), text="I look."), texts("In Graz.")
    )
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["done"]
    assert sorted(shop.done) == ["track 17", "track 18"]
    assert sent(double)[1:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "track", "arguments": '{"order": 17}'}},
                {"id": "b", "type": "function", "function": {"name": "track", "arguments": '{"order": 18}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "order 17 is in Graz"},
        {"role": "tool", "tool_call_id": "b", "content": "order 18 is in Graz"},
    ]
    assert chat.newest["content"] == "I look.\n\nIn Graz."
    part = {"type": "tool", "toolCallId": "a", "name": "track", "state": "output-available", "input": {"order": 17}}
    assert tool_parts(chat.newest)[0] == {**part, "output": "order 17 is in Graz"}


async def test_the_next_turn_reads_what_tools_have_returned(double: OpenAiDouble, agent: Agent, chat: FakeChat) -> None:
    double.answers(calls(("a", "track", '{"order": 17}')), texts("In Graz."), texts("Yes."))
    await handled(agent, asked(chat))
    await handled(agent, asked(chat, "Sure?"))
    assert [each["role"] for each in sent(double)] == ["user", "assistant", "tool", "assistant", "user"]
    assert sent(double)[2] == {"role": "tool", "tool_call_id": "a", "content": "order 17 is in Graz"}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (("a", "fail", "{}"), "ValueError: There is no such order."),
        (("a", "fly", "{}"), "There is no tool fly."),
        (("a", "track", '{"order": "x"}'), "order must be an integer."),
        (("a", "track", '{"order": '), "The arguments are not valid JSON."),
        (("a", "track", '{"order": "\\u0000"}'), "order must be an integer."),
        (("a", "refund", '{"order": 17}'), "The argument amount is missing."),
    ],
)
async def test_the_model_reads_what_is_wrong_with_a_call(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, call: tuple[str, str, str], text: str
) -> None:
    double.answers(calls(call), texts("I am sorry."))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["done"]
    assert sent(double)[-1] == {"role": "tool", "tool_call_id": "a", "content": text}
    (part,) = tool_parts(chat.newest)
    assert (part["state"], part["error"]) == ("output-error", text)


async def test_readers_see_the_beginning_of_what_is_long(
    double: OpenAiDouble, model: Model, chat: FakeChat, shop: Shop
) -> None:
    def copy(text: str) -> str:
        """Returns a text twice."""
        return text * 2

    shop.extra = [tool_of(copy)]
    double.answers(calls(("i" * 200, "copy", json.dumps({"text": "x" * 5000})), ("b", "", "{}")), texts("It is long."))
    await handled(Agent(model, chat, shop.toolbox()), asked(chat))
    copied, unnamed = tool_parts(chat.newest)
    assert copied["toolCallId"] == "i" * 128
    assert len(copied["input"]) == 1024
    assert len(copied["output"]) == 3072
    assert unnamed["name"] == "?"
    assert [len(each["content"]) for each in sent(double) if each["role"] == "tool"] == [
        10_000,
        len("There is no tool ."),
    ]


async def test_a_tool_that_takes_too_long_is_an_error_for_the_model(
    double: OpenAiDouble, model: Model, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(("a", "wait", "{}")), texts("I am sorry."))
    await handled(Agent(model, chat, shop.toolbox(limit_s=0.05)), asked(chat))
    assert sent(double)[-1]["content"] == "The tool did not end within 0.05 seconds."


async def test_calls_with_the_same_id_get_different_ones(double: OpenAiDouble, agent: Agent, chat: FakeChat) -> None:
    double.answers(calls(("0", "track", '{"order": 1}')), calls(("0", "track", '{"order": 2}')), texts("Both."))
    await handled(agent, asked(chat))
    assert [part["toolCallId"] for part in tool_parts(chat.newest)] == ["0", "0-2"]
    assert [each["tool_call_id"] for each in sent(double) if each["role"] == "tool"] == ["0", "0-2"]


async def test_the_model_answers_without_tools_after_ten_rounds(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(*[calls(("a", "track", '{"order": 1}'))] * 10, texts("That is all."))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["done"]
    assert len(shop.done) == 10
    assert ["tool_choice" in request for request in double.requests] == [False] * 10 + [True]


async def test_a_model_that_calls_tools_without_an_end_is_cut_short(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    double.answers(calls(("a", "track", '{"order": 1}')))
    turn = await handled(agent, asked(chat))
    assert len(shop.done) == 10
    assert turn.ends == ["done"]
    assert chat.newest["state"] == "done"
    assert chat.newest["content"].strip() == "*The model called tools more than 10 times.*"


async def test_an_answer_has_thirty_calls_at_most(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    many = [(f"c{index}", "track", json.dumps({"order": index})) for index in range(40)]
    double.answers(calls(*many), texts("Enough."))
    await handled(agent, asked(chat))
    assert len(shop.done) == len(tool_parts(chat.newest)) == 30
    assert sent(double)[-1]["content"].startswith("An answer may have at most 30 calls")


# --- failures ---------------------------------------------------------------------------------------------------------


async def test_a_model_that_is_unavailable_fails_the_turn_and_leaves_no_message(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(refusal(503, retry_after_ms="1"))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["failed model_unavailable"]
    assert len(chat.messages) == 1


async def test_a_model_that_refuses_fails_the_turn_with_a_reason(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(refusal(401))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["failed model_refused"]
    assert "API key" in turn.why


async def test_an_answer_that_breaks_off_fails_with_the_text_that_is_there(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="break"))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["failed model_unavailable"]
    assert (chat.newest["state"], chat.newest["content"]) == ("failed", "It was ")
    assert chat.newest["error"]["code"] == "model_unavailable"


async def test_the_next_attempt_does_not_read_the_failed_one(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="break"), texts("It was sent."))
    turn = asked(chat)
    await handled(agent, turn)
    await handled(agent, chat.turn(*turn.messages))
    assert sent(double) == [{"role": "user", "content": "From: Ann (ann)\nWhere is order 17?"}]
    assert chat.newest["content"] == "It was sent."


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_answer_that_is_cut_short_says_so(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, reason: str
) -> None:
    double.answers(texts("It was ", reason=reason))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["done"]
    assert chat.newest["state"] == "done"
    assert chat.newest["content"] == f"It was \n\n*{CUT_SHORT[reason]}*"


async def test_an_answer_that_is_cut_short_before_its_text_fails_the_turn(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(chunk({"reasoning": "Hm."}) + chunk({}, "length") + DONE)
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["failed length"]


async def test_an_answer_that_is_too_long_for_a_message_is_cut_short(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(texts("a" * TEXT_MAX_BYTES, "b"))
    turn = await handled(agent, asked(chat))
    assert turn.ends == ["done"]
    assert chat.newest["content"] == "a" * TEXT_MAX_BYTES + "\n\n*The answer is too long for a message.*"


async def test_reasoning_is_shown_as_far_as_it_fits(double: OpenAiDouble, agent: Agent, chat: FakeChat) -> None:
    double.answers(chunk({"reasoning": "r" * 30_000}) + chunk({"reasoning": "r" * 30_000}) + texts("Yes."))
    await handled(agent, asked(chat))
    assert [len(part["text"]) for part in chat.newest["parts"]] == [30_000, 4]


async def test_no_answer_is_no_message_and_reasoning_alone_fails(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(texts(""), chunk({"reasoning": "Hm."}) + texts(""))
    assert (await handled(agent, asked(chat))).ends == ["done"]
    assert len(chat.messages) == 1
    assert (await handled(agent, asked(chat))).ends == ["failed empty"]
    assert chat.newest["state"] == "failed"


async def test_characters_that_cannot_be_stored_are_replaced(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(texts("a\0b"))
    await handled(agent, asked(chat))
    assert chat.newest["content"] == "a\ufffdb"


async def test_an_emoji_that_comes_in_halves_is_sent_back_to_the_model_whole(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop
) -> None:
    call = calls(("a", "track\ud83d", '{"order": 17, "\ud83d\ude00": "\ud83d"}'))
    double.answers(chunk({"content": "Yes \ud83d"}) + chunk({"content": "\ude00"}) + call, texts("Hm."))
    await handled(agent, asked(chat))
    assert chat.newest["content"] == "Yes \U0001f600\n\nHm."
    before = sent(double)[1]
    assert before["content"] == "Yes \U0001f600"
    assert before["tool_calls"][0]["function"] == {
        "name": "track\ufffd",
        "arguments": '{"order": 17, "\U0001f600": "\ufffd"}',
    }


async def test_an_error_fails_the_message_and_is_raised(
    double: OpenAiDouble, agent: Agent, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.answers(calls(("a", "wait", "{}")))
    turn = asked(chat)

    async def refused(**_: object) -> None:
        await until(lambda: turn.writers and turn.writer.written)
        raise TalkwireError("forbidden", "You are muted.", None, 403)

    monkeypatch.setattr(turn, "update", refused)
    with pytest.raises(TalkwireError, match="muted"):
        await handled(agent, turn)
    assert turn.ends == ["failed forbidden"]
    assert chat.newest["state"] == "failed"


# --- stopping ---------------------------------------------------------------------------------------------------------


async def test_stopping_the_message_ends_the_models_request_and_keeps_the_text(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="silence"))
    turn = asked(chat)
    task = asyncio.create_task(handle(agent, turn))
    await until(lambda: turn.writers and turn.writer.written)
    turn.ask_to_stop()
    async with deadline():
        await task
        await double.left.wait()
    assert turn.ends == ["done"]
    assert (chat.newest["state"], chat.newest["content"]) == ("stopped", "It was ")


async def test_stopping_before_the_first_word_ends_the_models_request(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(Reply([b": alive\n\n"], ending="silence"))
    turn = asked(chat)
    task = asyncio.create_task(handle(agent, turn))
    await until(lambda: double.requests)
    turn.ask_to_stop()
    async with deadline():
        await task
        await double.left.wait()
    assert turn.ends == ["done"]
    assert len(chat.messages) == 1


async def test_stopping_ends_a_tool(double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop) -> None:
    double.answers(calls(("a", "wait", "{}")))
    turn = asked(chat)
    task = asyncio.create_task(handle(agent, turn))
    async with deadline():
        await shop.began.wait()
        turn.ask_to_stop()
        await task
    assert (chat.newest["state"], turn.ends) == ("stopped", ["done"])
    (part,) = tool_parts(chat.newest)
    assert (part["state"], part["error"]) == ("output-error", "Stopped before it ended.")


async def test_members_see_what_the_agent_does(double: OpenAiDouble, agent: Agent, chat: FakeChat, shop: Shop) -> None:
    double.answers(calls(("a", "wait", "{}")))
    turn = asked(chat)
    task = asyncio.create_task(handle(agent, turn))
    await until(lambda: "Running wait" in turn.labels)
    assert turn.labels[0] == "Thinking"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# --- the process that answers dies ------------------------------------------------------------------------------------


async def test_a_cancelled_turn_ends_neither_as_done_nor_as_failed(
    double: OpenAiDouble, agent: Agent, chat: FakeChat
) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="silence"))
    turn = asked(chat)
    task = asyncio.create_task(handle(agent, turn))
    await until(lambda: turn.writers and turn.writer.written)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert turn.ends == []
    assert chat.newest["state"] == "interrupted"
    async with deadline():
        await double.left.wait()


async def test_the_history_has_a_limit(double: OpenAiDouble, model: Model, chat: FakeChat) -> None:
    double.answers(texts("Yes."))
    chat.add("ann", "a" * 500)
    turn = asked(chat)
    await handled(Agent(model, chat, settings=AgentSettings(history=HistoryLimits(characters=100))), turn)
    assert len(sent(double)) == 1
