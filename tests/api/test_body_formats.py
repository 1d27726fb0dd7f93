"""What bodies of streams mean, in each format, wherever they are cut."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.api.streamed_bodies.body_format import BodyFormat, PartWrite, StreamEnd, joined, pieces
from talkwire.api.streamed_bodies.json_lines_body import JsonLinesBody
from talkwire.api.streamed_bodies.openai_body import OpenAiBody
from talkwire.api.streamed_bodies.text_body import TextBody
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.parts.growing_parts import GrowingParts

SMILE = "\N{GRINNING FACE}"


def written(format_: BodyFormat, arriving: Sequence[bytes]) -> tuple[object, StreamEnd | None, str]:
    """Returns the parts as JSON, how the stream ends, and the error, if there is one."""
    parts = GrowingParts()
    error = ""
    try:
        for data in arriving:
            _apply(parts, format_.feed(data))
        _apply(parts, format_.end())
    except ChatError as refusal:
        error = refusal.message
    return list(msgspec.to_builtins(parts.values())), format_.how(), error


def _apply(parts: GrowingParts, writes: Iterator[PartWrite]) -> None:
    taken: list[PartWrite] = []
    error: ChatError | None = None
    try:
        taken.extend(writes)
    except ChatError as refusal:
        error = refusal
    for write in joined(taken):
        for piece in pieces(write):
            if piece.value is None:
                parts.append(piece.part, piece.text, piece.kind, None)
            else:
                parts.set(piece.part, piece.value)
    if error is not None:
        raise error


def chunk(delta: object = None, finish_reason: str | None = None, index: int = 0, **more: object) -> str:
    return json.dumps({"choices": [{"index": index, "delta": delta or {}, "finish_reason": finish_reason}], **more})


def call(
    index: int, arguments: str | None = None, id_: str | None = None, name: str | None = None
) -> dict[str, object]:
    return {"tool_calls": [{"index": index, "id": id_, "function": {"name": name, "arguments": arguments}}]}


def event(type_: str, **more: object) -> str:
    return json.dumps({"type": type_, **more})


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}


def reasoning(value: str) -> dict[str, object]:
    return {"type": "reasoning", "text": value}


def tool(id_: str, name: str, state: str = "input-available", **more: object) -> dict[str, object]:
    return {"type": "tool", "toolCallId": id_, "name": name, "state": state, **more}


STOP = chunk(finish_reason="stop")
NO_JSON = "The arguments of this call are not valid JSON."

COMPLETIONS: list[tuple[str, Sequence[str], Sequence[object], object]] = [
    (
        "a text",
        [chunk({"role": "assistant", "content": ""}), chunk({"content": "It "}), chunk({"content": "is"}), STOP],
        [text("It is")],
        "done",
    ),
    ("done without a reason", [chunk({"content": "Hi"}), "[DONE]"], [text("Hi")], "done"),
    ("cut in the middle", [chunk({"content": "Hi"})], [text("Hi")], None),
    (
        "what was used",
        [chunk({"content": "Hi"}), STOP, '{"choices": [], "usage": {"total_tokens": 5}}', "[DONE]"],
        [text("Hi")],
        "done",
    ),
    ("another choice", [chunk({"content": "Hi"}), chunk({"content": "Ho"}, index=1), STOP], [text("Hi")], "done"),
    ("the end of another choice", [chunk({"content": "Hi"}), chunk({}, "stop", index=1)], [text("Hi")], None),
    ("a refusal", [chunk({"refusal": "No."}), STOP], [text("No.")], "done"),
    (
        "reasoning",
        [chunk({"reasoning_content": "H"}), chunk({"reasoning": "m"}), chunk({"content": "Yes"}), STOP],
        [reasoning("Hm"), text("Yes")],
        "done",
    ),
    ("no tokens left", [chunk({"content": "Hi"}), chunk({}, "length"), "[DONE]"], [text("Hi")], "length"),
    ("a filter", [chunk({"content": "Hi"}), chunk({}, "content_filter")], [text("Hi")], "content_filter"),
    (
        "an error",
        [chunk({"content": "Hi"}), '{"error": {"message": "Busy.", "code": "rate_limit", "type": "x"}}'],
        [text("Hi")],
        "rate_limit",
    ),
    ("an error without a code", ['{"error": {"message": "Busy.", "type": "server_error"}}'], [], "server_error"),
    ("an error as a number", ['{"error": {"message": "Busy.", "code": 502}}'], [], "502"),
    ("an error as a text", ['{"error": "Busy."}', "[DONE]"], [], "error"),
    ("a long error", [json.dumps({"error": {"message": "x" * 501, "code": "c" * 65}})], [], "c" * 64),
    (
        "a tool",
        [
            chunk(call(0, "", "t1", "track")),
            chunk(call(0, '{"order"')),
            chunk(call(0, ": 17}")),
            chunk({}, "tool_calls"),
        ],
        [tool("t1", "track", input={"order": 17})],
        "done",
    ),
    (
        "a tool that is not complete",
        [chunk(call(0, '{"or', "t1", "track"))],
        [tool("t1", "track", "input-streaming")],
        None,
    ),
    (
        "a tool without arguments",
        [chunk(call(0, "", "t1", "now")), chunk({}, "tool_calls")],
        [tool("t1", "now", input={})],
        "done",
    ),
    (
        "arguments that are no JSON",
        [chunk(call(0, "{", "t1", "now")), chunk({}, "tool_calls")],
        [tool("t1", "now", "output-error", error=NO_JSON)],
        "done",
    ),
    (
        "arguments that are dear",
        [chunk(call(0, "[" * 20_000, "t1", "now")), chunk({}, "tool_calls")],
        [tool("t1", "now", "output-error", error=NO_JSON)],
        "done",
    ),
    (
        "a tool without an id",
        [chunk(call(0, "{}", None, "now")), chunk({}, "tool_calls")],
        [tool("call_1", "now", input={})],
        "done",
    ),
    ("a tool without a name", [chunk(call(0, "{}", "t1")), chunk({"content": "Hi"}), STOP], [text("Hi")], "done"),
    (
        "tools at once",
        [
            chunk({"content": "Let me see."}),
            chunk(call(0, "{", "t1", "a")),
            chunk(call(1, "[", "t2", "b")),
            chunk(call(0, "}")),
            chunk(call(1, "]")),
            chunk({}, "tool_calls"),
        ],
        [text("Let me see."), tool("t1", "a", input={}), tool("t2", "b", input=[])],
        "done",
    ),
    (
        "tools with one index",
        [chunk(call(0, "1", "t1", "a")), chunk(call(0, "2", "t2", "b")), chunk({}, "tool_calls")],
        [tool("t1", "a", input=1), tool("t2", "b", input=2)],
        "done",
    ),
    (
        "two completions",
        [
            chunk({"content": "Let me see."}),
            chunk(call(0, "{}", "t1", "a")),
            chunk({}, "tool_calls"),
            "[DONE]",
            chunk({"content": "It is."}),
            STOP,
        ],
        [text("Let me see."), tool("t1", "a", input={}), text("It is.")],
        "done",
    ),
    (
        "the second is not complete",
        [chunk({"content": "Hi"}), STOP, chunk({"content": " you"})],
        [text("Hi you")],
        None,
    ),
    (
        "halves of a character",
        ['{"choices": [{"delta": {"content": "\\ud83d"}}]}', '{"choices": [{"delta": {"content": "\\ude00!"}}]}', STOP],
        [text(f"{SMILE}!")],
        "done",
    ),
    (
        "unknown members",
        [chunk({"content": "Hi", "annotations": [], "audio": None}, None, id="x", system_fingerprint="y"), STOP],
        [text("Hi")],
        "done",
    ),
    (
        "a filter's report",
        ['{"choices": [], "prompt_filter_results": []}', chunk({"content": "Hi"}), STOP],
        [text("Hi")],
        "done",
    ),
]

FUNCTION = {"type": "function_call", "id": "fc1", "call_id": "t1", "name": "track", "arguments": ""}
RESPONSES: list[tuple[str, Sequence[str], Sequence[object], object]] = [
    (
        "a response",
        [
            event("response.created", response={"id": "r"}),
            event("response.output_item.added", output_index=0, item={"type": "reasoning", "id": "rs"}),
            event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="H"),
            event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="m"),
            event("response.reasoning_summary_text.delta", output_index=0, summary_index=1, delta="Well"),
            event("response.output_item.added", output_index=1, item=FUNCTION),
            event("response.function_call_arguments.delta", output_index=1, item_id="fc1", delta='{"order"'),
            event("response.function_call_arguments.delta", output_index=1, item_id="fc1", delta=": 17}"),
            event("response.function_call_arguments.done", output_index=1, item_id="fc1", arguments='{"order": 17}'),
            event("response.output_item.done", output_index=1, item={**FUNCTION, "arguments": '{"order": 17}'}),
            event("response.output_item.added", output_index=2, item={"type": "message"}),
            event("response.output_text.delta", output_index=2, content_index=0, delta="It is "),
            event("response.output_text.delta", output_index=2, content_index=0, delta="sent."),
            event("response.output_text.delta", output_index=2, content_index=1, delta="Bye."),
            event("response.output_text.done", output_index=2, content_index=0, text="It is sent."),
            event("response.completed", response={"id": "r", "error": None, "incomplete_details": None, "output": []}),
        ],
        [
            reasoning("Hm"),
            reasoning("Well"),
            tool("t1", "track", input={"order": 17}),
            text("It is sent."),
            text("Bye."),
        ],
        "done",
    ),
    ("response: cut", [event("response.output_text.delta", delta="Hi")], [text("Hi")], None),
    (
        "an event that is not known",
        [
            event("response.output_text.delta", delta="Hi"),
            event("response.audio.delta", delta=5),
            event("response.completed"),
        ],
        [text("Hi")],
        "done",
    ),
    (
        "response: no tokens left",
        [
            event("response.output_text.delta", delta="Hi"),
            event("response.incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}}),
        ],
        [text("Hi")],
        "length",
    ),
    (
        "response: a filter",
        [
            event("response.output_text.delta", delta="Hi"),
            event("response.incomplete", response={"incomplete_details": {"reason": "content_filter"}}),
        ],
        [text("Hi")],
        "content_filter",
    ),
    (
        "a failure",
        [
            event("response.output_text.delta", delta="Hi"),
            event("response.failed", response={"error": {"code": "server_error", "message": "Busy."}}),
        ],
        [text("Hi")],
        "server_error",
    ),
    ("response: an error", [event("error", code="rate_limit", message="Busy.", param=None)], [], "rate_limit"),
]


@pytest.mark.parametrize(
    ("before", "after"), [("data: ", "\r\n\r\n"), ("", "\n"), (": a comment\nevent: x\ndata:", "\n\n")]
)
@pytest.mark.parametrize(
    ("lines", "parts", "end"),
    [each[1:] for each in (*COMPLETIONS, *RESPONSES)],
    ids=[each[0] for each in (*COMPLETIONS, *RESPONSES)],
)
def test_what_a_model_streams_becomes_parts(
    lines: Sequence[str], parts: Sequence[object], end: str | None, before: str, after: str
) -> None:
    found, how, error = written(OpenAiBody(), ["".join(f"{before}{line}{after}" for line in lines).encode()])
    assert found == list(parts)
    if end is None:
        assert how is None
        assert "must end with" in error
    else:
        assert error == ""
        assert how is not None
        assert how.state == ("done" if end == "done" else "failed")
        assert how.error is None or how.error.code == end


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("what", "must be a server-sent event or a JSON object"),
        ("[]", "must be a server-sent event or a JSON object"),
        ("{", "must be valid JSON"),
        ("data: {", "must be valid JSON"),
        ("{}", "choices: is missing"),
        ('{"choices": 5}', "choices: must be"),
        ('{"choices": [{"delta": {"content": 5}}]}', "choices[0].delta.content: must be text"),
        ('{"type": "message_start", "message": {}}', "Responses API"),
        ('{"choices": [{"delta": {"content": "a\\u0000"}}]}', "U+0000"),
    ],
)
def test_a_line_that_is_no_chunk_is_refused(line: str, words: str) -> None:
    found, _, error = written(OpenAiBody(), [f"{chunk({'content': 'Hi'})}\n{line}\n".encode()])
    assert error.startswith("Line 2: ")
    assert words in error
    assert found in ([text("Hi")], [text("Hia")])


BODIES: list[tuple[type[BodyFormat], str]] = [
    (TextBody, f"It is {SMILE}\r\n\N{LATIN SMALL LETTER E WITH ACUTE}."),
    (TextBody, f"It is {SMILE}\0 sent"),
    (
        JsonLinesBody,
        f'{{"text": "{SMILE} Hm", "type": "reasoning"}}\n{{"text": "Yes"}}\n\n{{"text": "."}}\n{{"finish": {{}}}}',
    ),
    (JsonLinesBody, f'{{"text": "{SMILE}"}}\nwhat\n{{"finish": {{}}}}'),
    (OpenAiBody, "".join(f"data: {line}\n\n" for line in COMPLETIONS[-5][1])),
    (OpenAiBody, "".join(f"{line}\n" for line in RESPONSES[0][1])),
]


@given(st.sampled_from(BODIES), st.lists(st.integers(0, 400), max_size=20))
def test_it_does_not_matter_where_a_body_is_cut(body: tuple[type[BodyFormat], str], cuts: list[int]) -> None:
    format_, whole = body[0], body[1].encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    cut = [whole[start:end] for start, end in pairwise(places)]
    assert written(format_(), cut) == written(format_(), [whole])


@given(st.lists(st.tuples(st.integers(0, 3), st.text(min_size=1, max_size=3)), max_size=30))
def test_joined_writes_do_the_same(writes: list[tuple[int, str]]) -> None:
    count, made = 0, []
    for part, added in writes:
        made.append(PartWrite(min(part, count), added))
        count = max(count, min(part, count) + 1)
    one_by_one, at_once = GrowingParts(), GrowingParts()
    for parts, steps in ((one_by_one, made), (at_once, joined(made))):
        for step in steps:
            parts.append(step.part, step.text.replace("\0", "0"), step.kind, None)
    assert at_once.values() == one_by_one.values()
    assert len(joined(made)) == count
