"""Messages that the package @talkwire/client writes and reads while they grow, through a server that is killed, a
network that breaks and a page that is reloaded."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from tests.chat.chat_server import running_chat
from tests.clients.test_talkwire_client import RestChat, driven
from tests.protocol.server_process import reserved_port
from tests.waiting import until_asked

PLACE = "order-17"


def _prepare(chat: RestChat) -> None:
    chat.send("PUT", "users/alice", name="Alice")
    chat.send("PUT", "users/helper", name="Helper", kind="agent", ownerId="alice")
    chat.post("conversations", kind="group", id=PLACE, memberIds=["alice", "bob", "helper"])


def _message(chat: RestChat, message_id: str) -> dict[str, Any]:
    return chat.send("GET", f"messages/{message_id}", user_id="alice")


async def test_a_text_is_whole_everywhere_although_the_server_is_killed_in_its_middle(
    tmp_path: Path, node_client: list[str]
) -> None:
    port = reserved_port()
    with running_chat(tmp_path, port=port) as server:
        _prepare(RestChat(server))
        async with driven(node_client, server.url, "stream_client.mjs") as clients:
            await clients.do("open", PLACE)
            opened = await clients.do("stream", {})
            await clients.do("write", 30)
            assert (await clients.do("grown"))["states"] == ["streaming", "streaming"]
            await clients.do("write", 60, 10)
            server.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(server.wait_ended)
            with running_chat(tmp_path, port=port) as again:
                written = (await clients.do("written"))["text"]
                await clients.do("grown")
                finished = await clients.do("finish")
                assert (finished["content"], finished["state"], finished["seqs"]) == (written, "done", [1])
                stored = _message(RestChat(again), opened["id"])
                assert (stored["content"], stored["state"]) == (written, "done")


async def test_an_author_continues_after_an_interruption_and_another_one_after_a_restart(
    tmp_path: Path, node_client: list[str]
) -> None:
    with running_chat(tmp_path) as server:
        chat = RestChat(server)
        _prepare(chat)
        async with driven(node_client, server.url, "stream_client.mjs") as clients:
            await clients.do("open", PLACE)
            options = {"clientMessageId": "answer", "leaseS": 5, "metadata": {"model": "m"}}
            message_id = (await clients.do("stream", options))["id"]
            await clients.do("write", 20)
            await clients.do("grown")
            await clients.do("cut")

            async def is_interrupted() -> bool:
                return bool((await asyncio.to_thread(_message, chat, message_id))["state"] == "interrupted")

            async def is_stored() -> bool:
                return bool((await asyncio.to_thread(_message, chat, message_id))["content"] == first)

            await until_asked(is_interrupted)
            await clients.do("write", 20)
            await clients.do("join")
            first = (await clients.do("written"))["text"]
            await clients.do("reload")
            assert (await clients.do("grown"))["states"] == ["streaming", "streaming"]

            await until_asked(is_stored)
            await clients.do("restart")
            continued = await clients.do("stream", options)
            assert continued == {"done": "stream", "id": message_id, "parts": [{"type": "text", "text": first}]}
            tool = {"type": "tool", "toolCallId": "t", "name": "look up", "state": "output-available"}
            assert (await clients.do("do", "set", "tool", tool))["parts"][1:] == [tool]
            await clients.do("do", "reasoning", "Nothing more.")
            assert len((await clients.do("do", "rewind", 2))["parts"]) == 2
            await clients.do("do", "text", "That is all.")
            await clients.do("grown")
            finished = await clients.do("finish")
            assert (finished["content"], finished["state"]) == (f"{first}\n\nThat is all.", "done")
            stored = _message(chat, message_id)
            assert [part["type"] for part in stored["parts"]] == ["text", "tool", "text"]
            refused = await clients.do("do", "text", "more")
            assert refused["code"] == "closed"

            await clients.do("stream", {})
            await clients.do("do", "text", "It was")
            await clients.do("stop")
            assert (await clients.do("stopped"))["stopped"]["by"] == "alice"
            finished = await clients.do("finish")
            assert finished["state"] == "stopped"

            rated = await clients.do("rate", -1, "Too short")
            given = {"comment": "Too short", "up": 0, "down": 1}
            event = {"messageId": finished["id"], "conversationId": PLACE, "userId": "alice", "rating": -1, **given}
            assert rated["answer"] == rated["loaded"] == {"mine": -1, **given}
            assert rated["received"] == {"tab": event, "helper": event}
            assert (await clients.do("rate", 0))["loaded"] == {"mine": 0, "up": 0, "down": 0}
