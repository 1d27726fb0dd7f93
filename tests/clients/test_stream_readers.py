"""Messages that are read while they are written by the readers of other products: `useChat` of Vercel's AI SDK, and
AG-UI's client."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.chat.chat_server import ServerProcess, running_chat
from tests.clients.test_talkwire_client import RestChat
from tests.waiting import deadline, until_asked

PROGRAM = Path(__file__).with_name("stream_readers.mjs")
PAGE = Path(__file__).parents[2] / "docs" / "streams.md"
ANSWER = "It was **sent** today \N{PACKAGE}.\n\nIt arrives on Friday."


class Readers:
    """stream_readers.mjs"""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, order: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{order}\n".encode())
        async with deadline():
            line = await self._process.stdout.readline()
        report: dict[str, Any] = json.loads(line)
        return report

    async def shows(self, text: str) -> None:
        """Waits until useChat shows this text."""

        async def is_shown() -> bool:
            return text_of(await self.do("shown")) == text

        await until_asked(is_shown)


def text_of(report: dict[str, Any]) -> str:
    parts = [part for message in report["chat"] for part in message["parts"] if part["type"] == "text"]
    return "|".join(part["text"] for part in parts)


@asynccontextmanager
async def readers(node_client: list[str], server: ServerProcess, message_id: str) -> AsyncIterator[Readers]:
    command = [node_client[0], str(PROGRAM), server.url, server.token("bob"), message_id]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=1 << 24)
    try:
        yield Readers(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Writer:
    """A back end that writes a message for an agent."""

    def __init__(self, server: ServerProcess) -> None:
        self._chat = RestChat(server)
        self._chat.send("PUT", "users/helper", kind="agent")
        self._chat.post("conversations", kind="group", id="c", memberIds=["helper", "bob"])
        opened = self._chat.send("POST", "messages/stream", conversationId="c", clientMessageId="s1", senderId="helper")
        self.message_id = str(opened["message"]["id"])

    def append(self, part: int, **what: Any) -> None:  # noqa: ANN401 (JSON)
        self._chat.send("POST", f"messages/{self.message_id}/append", attempt=1, part=part, **what)

    def rewind(self, part: int) -> None:
        self._chat.send("POST", f"messages/{self.message_id}/rewind", attempt=1, part=part)

    def finish(self, **how: Any) -> None:  # noqa: ANN401 (JSON)
        self._chat.send("POST", f"messages/{self.message_id}/finish", attempt=1, **how)


async def test_other_products_read_and_resume_a_message(tmp_path: Path, node_client: list[str]) -> None:
    with running_chat(tmp_path) as server:
        writer = Writer(server)
        async with readers(node_client, server, writer.message_id) as reading:
            await reading.do("resume")
            await reading.do("run")
            tool = {"type": "tool", "toolCallId": "t1", "name": "track", "input": {"order": 17}}
            writer.append(0, text="Looking it up.", type="reasoning")
            writer.append(1, set={**tool, "state": "input-available"})
            writer.append(1, set={**tool, "state": "output-available", "output": {"day": "Friday"}})
            writer.append(2, text=ANSWER[:20], type="text")
            await reading.shows(ANSWER[:20])
            await reading.do("lose")
            writer.append(2, text=ANSWER[20:], at=len(ANSWER[:20].encode("utf-16-le")) // 2)
            await reading.do("resume")
            await reading.shows(ANSWER)
            writer.append(3, set={"type": "source", "url": "https://example.org/17", "title": "Order 17"})
            writer.finish()
            end = await reading.do("wait")
    assert (text_of(end), end["status"]) == (ANSWER, "ready")
    (message,) = end["chat"]
    assert (message["id"], message["role"]) == (writer.message_id, "assistant")
    kinds = [part["type"] for part in message["parts"]]
    assert kinds == ["step-start", "reasoning", "dynamic-tool", "text", "source-url"]
    assert message["parts"][2]["output"] == {"day": "Friday"}
    assert "refusal" not in end
    texts = [each["content"] for each in end["agent"] if each["role"] == "assistant" and each.get("content")]
    assert texts == [ANSWER]


async def test_other_products_see_a_message_written_again_and_how_it_failed(
    tmp_path: Path, node_client: list[str]
) -> None:
    with running_chat(tmp_path) as server:
        writer = Writer(server)
        async with readers(node_client, server, writer.message_id) as reading:
            await reading.do("resume")
            await reading.do("run")
            writer.append(0, text="It was lost.")
            await reading.shows("It was lost.")
            writer.rewind(0)
            writer.append(0, text="It was sent")
            await reading.shows("It was sent")
            writer.finish(state="failed", error={"code": "busy", "message": "Try again later."})
            end = await reading.do("wait")
    assert (text_of(end), end["status"], end["error"]) == ("It was sent", "error", "Try again later.")
    assert end["refusal"] == "The message is written again from the start."


def test_the_page_shows_what_the_readers_do() -> None:
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## Read\n")
    shown = re.findall(r"```js\n(.*?)```", section, re.DOTALL)
    assert len(shown) == 2
    for block in shown:
        assert block in PROGRAM.read_text(encoding="utf-8")
