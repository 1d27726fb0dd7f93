"""Messages that programs write by one request: from what OpenAI's package reads of a model, as its API sends it, and
with curl. The API is a stand-in that sends what OpenAI's sends."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.clients.test_talkwire_client import RestChat
from tests.waiting import DEADLINE_S, deadline

PROGRAM = Path(__file__).with_name("streamed_body.mjs")
PAGE = Path(__file__).parents[2] / "docs" / "streams.md"
ANSWER = "It was **sent** today \N{PACKAGE}.\n\nIt arrives on Friday."

_CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1764400000, "model": "any"}
_CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "track", "status": "in_progress"}


def completion() -> Iterator[str]:
    """Yields the server-sent events of a chat completion that calls a tool, and of one that answers."""

    def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return f"data: {json.dumps({**_CHUNK, 'choices': [choice], 'usage': None})}\n\n"

    yield ": processing\n\n"
    yield chunk({"role": "assistant", "content": "", "refusal": None})
    yield chunk({"reasoning_content": "Order 17"})
    yield chunk({"reasoning_content": ", then."})
    yield chunk(
        {
            "tool_calls": [
                {"index": 0, "id": "call_a", "type": "function", "function": {"name": "track", "arguments": ""}}
            ]
        }
    )
    yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"order"'}}]})
    yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 17}"}}]})
    for start in range(0, len(ANSWER), 7):
        yield chunk({"content": ANSWER[start : start + 7]})
    yield chunk({}, "stop")
    yield f"data: {json.dumps({**_CHUNK, 'choices': [], 'usage': {'total_tokens': 50}})}\n\n"
    yield "data: [DONE]\n\n"


def response() -> Iterator[str]:
    """Yields the server-sent events of the same from the Responses API."""
    numbers = iter(range(1000))

    def event(type_: str, **more: object) -> str:
        data = {"type": type_, "sequence_number": next(numbers), **more}
        return f"event: {type_}\ndata: {json.dumps(data)}\n\n"

    made: dict[str, Any] = {"id": "resp_1", "object": "response", "status": "in_progress", "output": [], "error": None}
    yield event("response.created", response=made)
    for piece in ("Order 17", ", then."):
        yield event(
            "response.reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=0, delta=piece
        )
    yield event("response.output_item.added", output_index=1, item={**_CALL, "arguments": ""})
    for piece in ('{"order"', ": 17}"):
        yield event("response.function_call_arguments.delta", item_id="fc_1", output_index=1, delta=piece)
    yield event("response.function_call_arguments.done", item_id="fc_1", output_index=1, arguments='{"order": 17}')
    yield event("response.output_item.done", output_index=1, item={**_CALL, "arguments": '{"order": 17}'})
    for start in range(0, len(ANSWER), 7):
        delta = ANSWER[start : start + 7]
        yield event(
            "response.output_text.delta", item_id="m_1", output_index=2, content_index=0, delta=delta, logprobs=[]
        )
    yield event("response.output_text.done", item_id="m_1", output_index=2, content_index=0, text=ANSWER, logprobs=[])
    yield event("response.completed", response={**made, "status": "completed", "incomplete_details": None})


@asynccontextmanager
async def models() -> AsyncIterator[str]:
    """Yields the address of an API that answers as OpenAI's."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        # What is left unread when a socket is closed resets the connection.
        await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head.lower())[0]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for block in completion() if b"/chat/completions" in head else response():
            writer.write(block.encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("chat")) as server:
        rest = RestChat(server)
        rest.send("PUT", "users/helper", kind="agent")
        rest.post("conversations", kind="group", id="order-17", memberIds=["helper", "bob"])
        yield server
        assert server.logged_errors() == []


def must_be_the_answer(message: dict[str, Any]) -> None:
    assert (message["state"], message["content"]) == ("done", ANSWER)
    assert message["parts"] == [
        {"type": "reasoning", "text": "Order 17, then."},
        {"type": "tool", "toolCallId": "call_a", "name": "track", "state": "input-available", "input": {"order": 17}},
        {"type": "text", "text": ANSWER},
    ]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_what_the_package_openai_streams_is_written(
    chat: ServerProcess, node_client: list[str], api: str
) -> None:
    async with models() as url, deadline():
        command = [node_client[0], str(PROGRAM), chat.url, chat.token("helper"), url, api, "order-17", f"js-{api}"]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        printed, _ = await process.communicate()
    found = json.loads(printed)
    assert found["status"] == 200, found
    must_be_the_answer(found["answer"]["message"])


def shown(language: str, words: str) -> str:
    """Returns the block of the page that has these words."""
    text = PAGE.read_text(encoding="utf-8")
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return next(block for block in blocks if words in block)


async def test_the_python_of_the_page_passes_events_on_as_they_come(chat: ServerProcess) -> None:
    known: dict[str, Any] = {"TALKWIRE": chat.url, "TOKEN": chat.token("helper"), "MODEL": "any", "KEY": "none"}
    async with models() as known["MODELS"], deadline():
        await asyncio.to_thread(exec, shown("python", "httpx.post"), known)
    must_be_the_answer(known["written"].json()["message"])


def test_the_page_shows_the_program_that_the_package_openai_is_tested_with() -> None:
    assert shown("js", "openai.chat") in PROGRAM.read_text(encoding="utf-8")


def test_curl_sends_what_a_program_prints(chat: ServerProcess, tmp_path: Path) -> None:
    command = shown("bash", "curl").replace("https://chat.example.com", chat.url).replace("make ", "printf 'a\\nb' ")
    done = subprocess.run(
        ["bash", "-c", command],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "TOKEN": chat.token("helper")},
        timeout=DEADLINE_S,
    )
    message = json.loads(done.stdout)["message"]
    assert (message["state"], message["content"]) == ("done", "a\nb")
