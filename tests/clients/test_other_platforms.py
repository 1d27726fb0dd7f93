"""The client of docs/other-platforms.md, with the oldest and newest supported official client: it loses and repeats
nothing while the server is killed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.clients_python.conftest import client_of
from tests.clients_python.restarts import FragileServer
from tests.waiting import deadline

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/other-platforms.md").read_text(encoding="utf-8")

USER = """
import { createInterface } from "node:readline";

createInterface({ input: process.stdin }).on("line", (line) => send("room", line));
const shown = () => [...messages.values()].map(({ content }) => content);
setInterval(() => console.log(JSON.stringify({ shown: shown(), unsent: outbox.length })), 20);
"""
"""Sends what the test writes, and prints what the client shows and how many messages it still has to send."""


def program() -> str:
    """Returns the program of the page."""
    (block,) = [text for text in re.findall(r"^```js\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if "import" in text]
    return str(block)


async def shown(output: asyncio.StreamReader, texts: set[str], unsent: int = 0) -> list[str]:
    """Returns what the client shows as soon as it shows these texts and has so many messages to send."""
    async with deadline():
        while line := await output.readline():
            printed = json.loads(line)
            found: list[str] = printed["shown"]
            if texts <= set(found) and printed["unsent"] == unsent:
                return sorted(found)
    raise AssertionError("the program has ended")


@pytest.mark.parametrize("library", ["socket.io-client", "socket.io-client-4.5.4"])
async def test_the_client_of_the_page_neither_loses_nor_repeats_a_message(library: str, tmp_path: Path) -> None:
    if not (HERE / "node_modules" / library).is_dir():
        pytest.fail("the official clients are not installed: run make install")
    (tmp_path / "app/node_modules").mkdir(parents=True)
    (tmp_path / "app/node_modules/socket.io-client").symlink_to(HERE / "node_modules" / library)
    (tmp_path / "app/client.mjs").write_text(program() + USER, encoding="utf-8")
    server = FragileServer(tmp_path)
    process = await server.start()
    service = client_of(process, process.token("backend", role="service"))
    environment = {**os.environ, "TALKWIRE_URL": process.url, "TALKWIRE_TOKEN": process.token("alice")}
    async with service:
        await service.create_conversation("group", ["alice", "bob"], id="room")
        app = await asyncio.create_subprocess_exec(
            "node", str(tmp_path / "app/client.mjs"), stdin=PIPE, stdout=PIPE, env=environment
        )
        try:
            assert app.stdin is not None
            assert app.stdout is not None
            app.stdin.write(b"one\ntwo\n")
            assert await shown(app.stdout, {"one", "two"}) == ["one", "two"]
            # The server stops between the request and its response.
            os.kill(process.process.pid, signal.SIGSTOP)
            app.stdin.write(b"three\n")
            await shown(app.stdout, {"one", "two"}, unsent=1)
            await server.kill()
            await server.start()
            await service.send("room", "four", sender_id="bob")
            app.stdin.write(b"five\n")
            everything = ["five", "four", "one", "three", "two"]
            assert await shown(app.stdout, set(everything)) == everything
            stored = [message.get("content", "") async for message in service.history("room")]
            assert sorted(stored) == everything
        finally:
            app.kill()
            await app.wait()
            await server.kill()
