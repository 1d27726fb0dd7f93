"""What the agent reads of a model, through the package `openai` and over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire_agent.model import AnswerEnd, AnswerPiece, Model, ModelError, ReasoningPiece, TextPiece, ToolCall
from tests.clients_python.agent.openai_double import (
    DONE,
    USAGE,
    OpenAiDouble,
    Reply,
    calls,
    chunk,
    parts_of,
    refusal,
    running_double,
    sse,
    texts,
)
from tests.waiting import DEADLINE_S, deadline

QUESTION = [{"role": "user", "content": "Where is order 17?"}]

# The endpoint says when to ask again, so that no test waits for the client's own pauses.
AT_ONCE = {"retry_after_ms": "1"}

CALL_PIECE: Any = {
    "index": 0,
    "id": "a",
    "type": "function",
    "function": {"name": "track", "arguments": '{"order": 17}'},
}


async def answer(model: Model, **options: Any) -> list[AnswerPiece]:  # noqa: ANN401 (as the method has them)
    async with deadline():
        return [piece async for piece in model.answer(QUESTION, **options)]


def text_of(pieces: Sequence[AnswerPiece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


async def test_text_arrives_before_the_answer_has_ended(double: OpenAiDouble, model: Model) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="silence"))
    async with deadline(), aclosing(model.answer(QUESTION)) as pieces:
        assert await anext(pieces) == TextPiece("It was ")


async def test_the_request_has_the_model_the_messages_the_tools_and_the_key(double: OpenAiDouble, model: Model) -> None:
    double.answers(texts("Here."))
    tools = [{"type": "function", "function": {"name": "track", "parameters": {}}}]
    await answer(model, tools=tools)
    await answer(model, tools=tools, may_call=False)
    await answer(model)
    first, second, third = double.requests
    assert first == {"model": "small", "messages": QUESTION, "stream": True, "tools": tools}
    assert second["tool_choice"] == "none"
    assert "tools" not in third
    assert double.keys[0] == "Bearer secret"


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
def test_an_answer_is_the_same_however_the_network_splits_it(cuts: list[int]) -> None:
    body = b"".join(
        [
            b": processing\r\n\r\n",
            chunk({"reasoning_content": "Order 17 \N{PACKAGE}."}),
            chunk({"content": "Es war gestern: \N{LATIN SMALL LETTER U WITH DIAERESIS}ber \N{PACKAGE}\nZeile."}),
            calls(("a", "track", '{"order": 17}'), ("b", "weigh", '{"unit": "kg \N{PACKAGE}"}')),
        ]
    )

    async def read() -> list[AnswerPiece]:
        async with running_double() as double, Model(double.url, "m", api_key="k", timeout_s=DEADLINE_S) as model:
            double.answers(Reply(parts_of(body, cuts)))
            return await answer(model)

    assert asyncio.run(read()) == [
        ReasoningPiece("Order 17 \N{PACKAGE}."),
        TextPiece("Es war gestern: \N{LATIN SMALL LETTER U WITH DIAERESIS}ber \N{PACKAGE}\nZeile."),
        ToolCall("a", "track", '{"order": 17}'),
        ToolCall("b", "weigh", '{"unit": "kg \N{PACKAGE}"}'),
        AnswerEnd("tool_calls"),
    ]


async def test_a_slow_answer_is_whole(double: OpenAiDouble, model: Model) -> None:
    double.answers(Reply(parts_of(texts("It was ", "sent."), range(0, 900, 100)), pause_s=0.01))
    assert text_of(await answer(model)) == "It was sent."


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning_content": "Hm."}, ReasoningPiece("Hm.")),
        ({"reasoning": "Hm."}, ReasoningPiece("Hm.")),
        ({"refusal": "I do not."}, TextPiece("I do not.")),
    ],
)
async def test_servers_name_members_differently(
    double: OpenAiDouble, model: Model, delta: dict[str, Any], expected: AnswerPiece
) -> None:
    double.answers(chunk(delta) + texts(""))
    assert (await answer(model))[0] == expected


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(
            [CALL_PIECE, {**CALL_PIECE, "id": "b"}],
            [("a", '{"order": 17}'), ("b", '{"order": 17}')],
            id="the same index for each call",
        ),
        pytest.param(
            [{name: value for name, value in CALL_PIECE.items() if name != "index"}] * 1
            + [{"function": {"arguments": " "}}, {"id": "b", "function": {"name": "track", "arguments": "{}"}}],
            [("a", '{"order": 17}'), ("b", "{}")],
            id="no index",
        ),
        pytest.param(
            [{"index": 0, "id": "a", "function": {"name": "track", "arguments": {"order": 17}}}],
            [("a", '{"order": 17}')],
            id="arguments as an object",
        ),
        pytest.param([{"index": 0, "id": "a", "function": {"name": "track"}}], [("a", "{}")], id="no arguments"),
        pytest.param(
            [{"index": 0, "id": "a", "function": {"name": "track", "arguments": ""}}] * 3,
            [("a", "{}")],
            id="the name in each piece",
        ),
    ],
)
async def test_calls_of_servers_that_differ_from_openais(
    double: OpenAiDouble, model: Model, pieces: list[dict[str, Any]], expected: list[tuple[str, str]]
) -> None:
    double.answers(b"".join(chunk({"tool_calls": [piece]}) for piece in pieces) + chunk({}, "stop") + DONE)
    found = [piece for piece in await answer(model) if isinstance(piece, ToolCall)]
    assert [(call.id, json.loads(call.arguments)) for call in found] == [
        (id_, json.loads(text)) for id_, text in expected
    ]
    assert {call.name for call in found} == {"track"}


async def test_a_call_without_an_id_gets_one(double: OpenAiDouble, model: Model) -> None:
    double.answers(
        chunk({"tool_calls": [{"index": 0, "function": {"name": "track", "arguments": "{}"}}]}, "stop") + DONE
    )
    call = (await answer(model))[0]
    assert isinstance(call, ToolCall)
    assert call.id.startswith("call_")


async def test_an_answer_ends_with_its_reason_if_the_server_then_sends_nothing(
    double: OpenAiDouble, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkwire_agent.model.AFTER_END_S", 0.05)
    double.answers(Reply([chunk({"content": "Yes."}, "stop") + USAGE], ending="silence"))
    assert await answer(model) == [TextPiece("Yes."), AnswerEnd("stop")]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
async def test_a_request_is_repeated_after_errors_that_pass(double: OpenAiDouble, model: Model, status: int) -> None:
    double.answers(refusal(status, **AT_ONCE), refusal(status, **AT_ONCE), texts("Here."))
    assert text_of(await answer(model)) == "Here."
    assert len(double.requests) == 3


@pytest.mark.parametrize("status", [429, 500])
async def test_a_model_that_stays_unavailable_is_an_error(double: OpenAiDouble, model: Model, status: int) -> None:
    double.answers(refusal(status, **AT_ONCE))
    with pytest.raises(ModelError, match=f"HTTP {status}") as caught:
        await answer(model)
    assert caught.value.code == "model_unavailable"
    assert len(double.requests) == 4


async def test_a_retry_after_in_seconds_is_kept(double: OpenAiDouble, model: Model) -> None:
    double.answers(refusal(429, retry_after="0.01"), texts("Here."))
    assert text_of(await answer(model)) == "Here."


@pytest.mark.parametrize(
    ("status", "why"),
    [(400, "refuses the agent's request"), (401, "API key"), (403, "API key"), (404, "no model small")],
)
async def test_a_refused_request_is_not_repeated_and_the_log_has_the_servers_words(
    double: OpenAiDouble, model: Model, status: int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    double.answers(refusal(status, "Nobody knows this."))
    with caplog.at_level(logging.WARNING), pytest.raises(ModelError, match=why) as caught:
        await answer(model)
    assert caught.value.code == "model_refused"
    assert len(double.requests) == 1
    assert "Nobody knows this." in caplog.text
    assert "Nobody knows this." not in caught.value.message
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply([chunk({"content": "It was "})], ending="break"), id="the connection breaks"),
        pytest.param(Reply([chunk({"content": "It was "})]), id="no reason and no end"),
        pytest.param(Reply([chunk({"content": "It was "}), sse({"error": {"message": "overloaded"}})]), id="an error"),
        pytest.param(Reply([chunk({"content": "It was "}), b"data: {no JSON\n\n"]), id="no JSON"),
    ],
)
async def test_an_answer_that_breaks_off_is_an_error(double: OpenAiDouble, model: Model, reply: Reply) -> None:
    double.answers(reply)
    pieces = model.answer(QUESTION)
    async with deadline():
        assert await anext(pieces) == TextPiece("It was ")
        with pytest.raises(ModelError) as caught:
            await anext(pieces)
    assert caught.value.code == "model_unavailable"
    assert "overloaded" not in caught.value.message
    assert len(double.requests) == 1


@pytest.mark.parametrize(
    "pieces",
    [pytest.param([chunk({"content": "It was "})], id="silence"), pytest.param([b": alive\n\n"] * 100, id="comments")],
)
async def test_a_model_that_sends_no_chunk_for_too_long_is_an_error(double: OpenAiDouble, pieces: list[bytes]) -> None:
    double.answers(Reply(pieces, ending="silence", pause_s=0.02))
    async with Model(double.url, "small", api_key="secret", timeout_s=0.3) as model:
        with pytest.raises(ModelError, match=r"sent nothing for 0\.3 seconds") as caught:
            await answer(model)
    assert caught.value.code == "model_unavailable"
    async with deadline():
        await double.left.wait()


async def test_a_model_that_never_responds_is_an_error(double: OpenAiDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire_agent.model.RETRIES", 0)
    double.answers(Reply(ending="silence"))
    async with Model(double.url, "small", api_key="secret", timeout_s=0.1) as model:
        with pytest.raises(ModelError, match="sent nothing") as caught:
            await answer(model)
    assert caught.value.code == "model_unavailable"


async def test_a_server_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire_agent.model.RETRIES", 0)
    async with running_double() as double:
        url = double.url
    async with Model(url, "small", api_key="secret", timeout_s=DEADLINE_S) as model:
        with pytest.raises(ModelError, match="could not be made") as caught:
            await answer(model)
    assert caught.value.code == "model_unavailable"


async def test_closing_the_answer_ends_the_request(double: OpenAiDouble, model: Model) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="silence"))
    async with deadline():
        async with aclosing(model.answer(QUESTION)) as pieces:
            await anext(pieces)
        await double.left.wait()
