"""The parts of messages: which are refused, and what follows from those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.parts.checks import PART_MAX_BYTES, PARTS_MAX, PARTS_MAX_BYTES, TASKS_MAX, check_parts
from talkwire.core.domain.parts.message_parts import (
    DataPart,
    MessagePart,
    PlanPart,
    PlanTask,
    ReasoningPart,
    SourcePart,
    TextPart,
    ToolPart,
    content_of,
    forwarded,
    need_right,
    quoted_ids,
    simplified,
    utf16_length,
    with_text,
    without_quotes_of,
)
from talkwire.core.domain.texts import TEXT_MAX_BYTES
from tests.repetition import repetitions

TOOL = ToolPart("call-1", "search", "output-available", input={"q": [1, None]}, output=None)
PLAN = PlanPart((PlanTask("1", "Buy", "complete"), PlanTask("2", "Pay", "pending", "by card")))
DATA = DataPart("chart", {"points": [1, 2.5]})
SOURCE = SourcePart(url="https://example.com/a", title="A page", quote="a quote")
ALL: tuple[MessagePart, ...] = (TextPart("Hello"), ReasoningPart("Hm"), TOOL, SOURCE, PLAN, DATA)


def tool(**changes: Any) -> ToolPart:  # noqa: ANN401 (fields of a part)
    return msgspec.structs.replace(TOOL, **changes)


def source(**fields: Any) -> SourcePart:  # noqa: ANN401 (fields of a part)
    return SourcePart(**fields)


def plan(**changes: Any) -> PlanPart:  # noqa: ANN401 (fields of a task)
    return PlanPart((msgspec.structs.replace(PLAN.tasks[0], **changes),))


def test_all_kinds_of_parts_are_valid() -> None:
    check_parts(ALL)
    check_parts([TextPart("x" * TEXT_MAX_BYTES), ReasoningPart("x" * PART_MAX_BYTES)])
    check_parts([TextPart("x")] * PARTS_MAX)
    check_parts([source(message_id="1000000000001"), TextPart("x")])
    check_parts([source(file_id="f1")])


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([], "parts: must have 1 to 100 items"),
        ([TextPart("x")] * (PARTS_MAX + 1), "parts: must have 1 to 100 items"),
        ([TextPart("")], "parts[0].text: must not be empty"),
        ([TextPart("x"), ReasoningPart(" ")], "parts[1].text: must not be empty"),
        ([TextPart("\x00")], "parts[0].text: must not contain U+0000"),
        ([ReasoningPart("\ud800")], "parts[0].text: must not contain lone surrogates"),
        ([ReasoningPart("Hm")], "parts: must have a part with a text"),
        ([tool(tool_call_id="")], "parts[0].toolCallId: must have 1 to 128 characters"),
        ([tool(tool_call_id="x" * 129)], "parts[0].toolCallId: must have 1 to 128 characters"),
        ([tool(name=" ")], "parts[0].name: must have 1 to 128 characters"),
        ([tool(title="x" * 201)], "parts[0].title: must have 1 to 200 characters"),
        ([tool(error="")], "parts[0].error: must not be empty"),
        ([tool(card_id="x" * 129)], "parts[0].cardId: must have 1 to 128 characters"),
        ([tool(input={"a": "\x00"})], "parts[0].input: must not contain U+0000"),
        ([tool(output=float("nan"))], "parts[0].output: must not contain NaN"),
        ([tool(output=b"x")], "parts[0].output: must not contain binary values"),
        ([DataPart("", 1)], "parts[0].name: must have 1 to 128 characters"),
        ([DataPart("x", 2**60)], "parts[0].value: must not contain integers beyond"),
        ([source()], "parts[0]: must have exactly one of url, messageId and fileId"),
        ([source(url="https://a.b", file_id="f")], "parts[0]: must have exactly one of url, messageId and fileId"),
        ([source(url="javascript:x")], "parts[0].url: must be an http or https URL"),
        ([source(message_id="x")], "parts[0].messageId: must be the id of a message"),
        ([source(file_id="")], "parts[0].fileId: must have 1 to 128 characters"),
        ([source(file_id="f", title="")], "parts[0].title: must have 1 to 200 characters"),
        ([source(file_id="f", quote="")], "parts[0].quote: must not be empty"),
        ([PlanPart(())], "parts[0].tasks: must have 1 to 50 items"),
        ([PlanPart(PLAN.tasks[:1] * (TASKS_MAX + 1))], "parts[0].tasks: must have 1 to 50 items"),
        ([PlanPart((PLAN.tasks[1], PLAN.tasks[1]))], "parts[0].tasks: must have tasks with different ids"),
        ([PlanPart(PLAN.tasks, title="")], "parts[0].title: must have 1 to 200 characters"),
        ([*ALL, plan(id="")], "parts[6].tasks[0].id: must have 1 to 128 characters"),
        ([plan(title="x" * 201)], "parts[0].tasks[0].title: must have 1 to 200 characters"),
        ([plan(details="\x00")], "parts[0].tasks[0].details: must not contain U+0000"),
    ],
)
def test_an_error_names_the_invalid_member(parts: Sequence[MessagePart], error: str) -> None:
    with pytest.raises(ChatError) as refused:
        check_parts(parts)
    assert (refused.value.code, refused.value.message[: len(error)]) == ("invalid_request", error)


LARGE = "x" * (PART_MAX_BYTES - 200)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ([TextPart("x" * (TEXT_MAX_BYTES + 1))], "parts[0].text"),
        ([TextPart("x" * (TEXT_MAX_BYTES // 2))] * 2, "parts"),
        ([ReasoningPart("ä" * PART_MAX_BYTES)], "parts[0].text"),
        ([tool(input="x" * PART_MAX_BYTES)], "parts[0].input"),
        ([tool(input="x" * (PART_MAX_BYTES // 2), output="x" * (PART_MAX_BYTES // 2))], "parts[0]"),
        ([DataPart("x", ["x"] * PART_MAX_BYTES)], "parts[0].value"),
        ([TextPart("x"), *[ReasoningPart(LARGE)] * (PARTS_MAX_BYTES // len(LARGE) + 1)], "parts"),
        ([plan(details="x" * (PART_MAX_BYTES - 20))], "parts[0]"),
    ],
)
def test_too_large_parts_are_refused(parts: Sequence[MessagePart], path: str) -> None:
    with pytest.raises(ChatError, match=f"^{path}: at most ".replace("[", r"\[")) as refused:
        check_parts(parts)
    assert refused.value.code == "payload_too_large"


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        (ALL, "Hello"),
        ((TextPart("a"), TOOL, TextPart(" "), TextPart("b\n")), "a\n\nb\n"),
        (ALL[1:], "search, A page, Buy, Pay"),
        ((tool(title="Searches"), PlanPart(PLAN.tasks, "The plan")), "Searches, The plan"),
        ((source(url="https://example.com/a"), source(message_id="5", quote="secret")), "https://example.com/a"),
        ((DATA, ReasoningPart("Hm")), "chart"),
        ((ReasoningPart("Hm"),), ""),
    ],
)
def test_the_content_is_the_texts_or_else_the_titles(parts: Sequence[MessagePart], content: str) -> None:
    assert content_of(parts) == content


_PARTS = st.lists(st.sampled_from([*ALL, TextPart("World"), source(message_id="5", quote="x")]), max_size=6)


@settings(max_examples=repetitions(300, 20))
@given(_PARTS, st.sampled_from(["New", "New\n\ntext"]))
def test_one_text_takes_the_place_of_the_first(parts: list[MessagePart], text: str) -> None:
    changed = with_text(parts, text)
    others = [part for part in parts if not isinstance(part, TextPart)]
    place = next((index for index, part in enumerate(parts) if isinstance(part, TextPart)), 0)
    assert [part for part in changed if not isinstance(part, TextPart)] == others
    assert (changed[place], len(changed)) == (TextPart(text), len(others) + 1)
    assert content_of(changed) == text
    assert with_text(parts, " ") == tuple(others)


@settings(max_examples=repetitions(300, 20))
@given(_PARTS)
def test_what_is_derived_from_parts_agrees(parts: list[MessagePart]) -> None:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    assert content_of(parts) == "\n\n".join(texts) or not texts
    copied = forwarded(parts)
    assert not need_right(copied)
    assert (len(copied) == len(parts)) is not need_right(parts)
    assert not quoted_ids(without_quotes_of(5, parts))
    assert without_quotes_of(6, parts) == tuple(parts)
    assert simplified(tuple(parts)) == (() if len(parts) == len(texts) == 1 else tuple(parts))


@settings(max_examples=repetitions(300, 20))
@given(st.text())
def test_lengths_are_counted_as_javascript_does(text: str) -> None:
    assert utf16_length(text) == sum(2 if ord(char) > 0xFFFF else 1 for char in text)
