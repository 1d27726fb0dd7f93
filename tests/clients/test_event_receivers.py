"""The receivers of `examples/event-stream`, which docs/keep-in-step.md starts, against a server that is killed again
and again while people write.

The receivers are killed too. In the end each has rebuilt all conversations as the database has them. The gate runs only
the commands of the page, without kills.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.databases import Database
from tests.http_client import AsyncHttpClient
from tests.protocol.server_process import reserved_port
from tests.reference.blocks.collected import blocks_of
from tests.waiting import DEADLINE_S, until

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "keep-in-step.md"
EXAMPLES = REPOSITORY / "examples" / "event-stream"
USERS = ("alice", "bob", "carol", "dave")
KILLS = 3
ACTS_BETWEEN_KILLS = 30

Json = dict[str, Any]
Conversations = dict[str, Json]
"""Conversation id -> name, members and messages, reduced to what every side knows."""


@dataclass(frozen=True)
class Receiver:
    """A program of the examples: how it is started, and how the file that it writes is read."""

    command: tuple[str, ...]
    file: str
    read: Callable[[Path], tuple[str, Conversations]]


def _conversation(about: Json, members: list[Json], messages: list[Json]) -> Json:
    return {
        "name": about.get("name"),
        "kind": about["kind"],
        "metadata": about.get("metadata"),
        "members": {member["userId"]: (member["role"], member["readSeq"]) for member in members},
        "messages": {
            message["id"]: (
                message["seq"],
                message["senderId"],
                message.get("content"),
                "deletedAt" in message,
                sorted((each["emoji"], each["count"]) for each in message.get("reactions", ())),
            )
            for message in messages
        },
    }


def _read_sqlite(file: Path) -> tuple[str, Conversations]:
    database = sqlite3.connect(file)
    try:
        (cursor,) = database.execute("SELECT cursor FROM progress").fetchone()
        stored = database.execute("SELECT chat, kind, data FROM rows").fetchall()
    finally:
        database.close()
    rows = [(chat, kind, json.loads(data)) for chat, kind, data in stored]
    conversations = {
        id_: _conversation(
            about,
            [data for chat, kind, data in rows if (chat, kind) == (id_, "member")],
            [data for chat, kind, data in rows if (chat, kind) == (id_, "message")],
        )
        for id_, kind_of_row, about in rows
        if kind_of_row == "conversation"
    }
    return cursor, conversations


def _read_json(file: Path) -> tuple[str, Conversations]:
    copy = json.loads(file.read_text())
    found = {
        id_: _conversation(each["about"], list(each["members"].values()), list(each["messages"].values()))
        for id_, each in copy["conversations"].items()
    }
    return copy["cursor"], found


RECEIVERS = (
    Receiver((sys.executable, str(EXAMPLES / "receiver.py")), "chat.db", _read_sqlite),
    Receiver(("node", str(EXAMPLES / "receiver.mjs")), "chat.json", _read_json),
)


@contextmanager
def receiving(receiver: Receiver, server: ServerProcess, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a receiver, and kills it at the end."""
    command = [*receiver.command, server.url, str(folder / receiver.file)]
    with running(command, {**os.environ, "JWT_SECRET": SECRET}, folder) as process:
        yield process


@contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command in a folder, which gets its output, and kills it at the end."""
    with (folder / f"{Path(command[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class People:
    """Users that write, edit, delete, read and change conversations at random. Some requests are lost with the server,
    and it does not matter which."""

    def __init__(self, seed: int) -> None:
        self.acts = 0
        self._random = random.Random(seed)
        self._messages: list[tuple[str, str]] = []
        """(conversation id, message id)"""
        self._conversations = ["talk0"]
        self._http: AsyncHttpClient | None = None
        self._server: ServerProcess | None = None

    async def run(self, server: ServerProcess, acts: int) -> None:
        """Does so many things, or fewer if the server is killed meanwhile."""
        async with AsyncHttpClient(base_url=f"{server.url}/api/v1", timeout=DEADLINE_S) as self._http:
            self._server = server
            with suppress(httpx.TransportError):
                for _ in range(acts):
                    await self._act()
                    self.acts += 1

    async def _act(self) -> None:
        chance, conversation = self._random.random(), self._random.choice(self._conversations)
        user, other = self._random.sample(USERS, 2)
        if self.acts == 0:
            await self._create(conversation)
        elif chance < 0.4 or not self._messages:
            await self._send(conversation, user)
        elif chance < 0.7:
            await self._change_message(chance)
        elif chance < 0.85:
            await self._ask(user, "POST", f"conversations/{conversation}/read", {})
        elif chance < 0.9:
            await self._ask(None, "DELETE", f"conversations/{conversation}/members/{other}")
        elif chance < 0.95:
            await self._ask(None, "POST", f"conversations/{conversation}/members", {"userIds": [other]})
        elif chance < 0.98 or conversation == "talk0":
            self._conversations.append(f"talk{len(self._conversations)}")
            await self._create(self._conversations[-1])
        else:
            await self._ask(None, "DELETE", f"conversations/{conversation}")

    async def _create(self, conversation: str) -> None:
        body = {"kind": "group", "id": conversation, "memberIds": USERS, "metadata": {"number": self.acts}}
        await self._ask(None, "POST", "conversations", body)

    async def _send(self, conversation: str, user: str) -> None:
        body = {"conversationId": conversation, "senderId": user, "content": f"message {self.acts}"}
        sent = await self._ask(None, "POST", "messages", body)
        if sent is not None:
            self._messages.append((conversation, sent["id"]))

    async def _change_message(self, chance: float) -> None:
        conversation, message_id = self._random.choice(self._messages[-20:])
        if chance < 0.5:
            await self._ask(None, "PATCH", f"messages/{message_id}", {"content": f"edited {self.acts}"})
        elif chance < 0.6:
            await self._ask(None, "DELETE", f"messages/{message_id}")
        elif chance < 0.65:
            await self._ask("alice", "PUT", f"messages/{message_id}/reactions/👍")
        else:
            await self._ask(None, "PATCH", f"conversations/{conversation}", {"name": f"name {self.acts}"})

    async def _ask(self, user: str | None, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request, as the back end if `user` is None. Returns None for a refusal."""
        assert self._http is not None
        assert self._server is not None
        token = self._server.token(user or "backend", role=None if user else "service")
        headers = {"authorization": f"Bearer {token}"}
        answer = await self._http.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.is_success and answer.content else None


class Truth:
    """What the server has stored."""

    def __init__(self, server: ServerProcess, http: httpx.AsyncClient) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {server.token('backend', role='service')}"}

    async def cursor(self) -> str:
        return str((await self._get("/api/v1/events"))["cursor"])

    async def conversations(self) -> Conversations:
        found: Conversations = {}
        listed = (await self._get("/api/v1/conversations?limit=100"))["items"]
        for conversation in listed:
            path = f"/api/v1/conversations/{conversation['id']}"
            whole = await self._get(path)
            messages: list[dict[str, Any]] = []
            before = ""
            while (page := (await self._get(f"{path}/messages?limit=100{before}"))["items"]) != []:
                messages += page
                before = f"&before={page[0]['id']}"
            found[conversation["id"]] = _conversation(whole, whole["members"], messages)
        return found

    async def _get(self, path: str) -> dict[str, Any]:
        answer = await self._http.get(path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def caught_up(receiver: Receiver, folder: Path, cursor: str) -> Conversations:
    """Returns what a receiver has rebuilt, once it has reached a cursor."""

    def rebuilt() -> tuple[Conversations] | None:
        with suppress(FileNotFoundError, sqlite3.OperationalError):  # it has not begun to write, or writes now
            reached, found = receiver.read(folder / receiver.file)
            return (found,) if reached == cursor else None
        return None

    conversations = await until(rebuilt)
    assert conversations is not None
    return conversations[0]


async def test_receivers_rebuild_the_chat_through_kills_of_everything(database: Database, tmp_path: Path) -> None:
    port, people = reserved_port(), People(seed=7)
    settings = {"TALKWIRE_DATABASE": database.url.render_as_string(hide_password=False)}
    for number in range(KILLS):
        with running_chat(tmp_path, settings, port) as server, ExitStack() as running:
            if number == 0:
                await add_users(server)
            for receiver in RECEIVERS:
                running.enter_context(receiving(receiver, server, tmp_path))
            writing = asyncio.create_task(people.run(server, 10 * ACTS_BETWEEN_KILLS))
            enough = people.acts + ACTS_BETWEEN_KILLS

            def have_written(writing: asyncio.Task[None] = writing, enough: int = enough) -> bool:
                assert not writing.done() or writing.result() is None
                return people.acts >= enough

            await until(have_written)
            server.process.kill()
            await writing
    with running_chat(tmp_path, settings, port) as server, ExitStack() as running:
        for receiver in RECEIVERS:
            running.enter_context(receiving(receiver, server, tmp_path))
        async with AsyncHttpClient(base_url=server.url) as http:
            truth = Truth(server, http)
            stored, cursor = await truth.conversations(), await truth.cursor()
        assert stored
        for receiver in RECEIVERS:
            assert await caught_up(receiver, tmp_path, cursor) == stored


async def add_users(server: ServerProcess) -> None:
    async with AsyncHttpClient(base_url=server.url) as http:
        headers = {"authorization": f"Bearer {server.token('backend', role='service')}"}
        body = {"users": [{"id": user, "name": user.title()} for user in USERS]}
        answer = await http.post("/api/v1/users/batch", json=body, headers=headers)
        assert answer.is_success, answer.text


async def test_the_commands_of_the_page_copy_the_chat(tmp_path: Path) -> None:
    (commands,) = [block.text for block in blocks_of(PAGE) if block.language == "sh"]
    install, start = commands.splitlines()
    assert [distribution(package) for package in install.removeprefix("pip install ").split()]
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with running_chat(tmp_path) as server:
        filled_in = start.replace("…", shlex.quote(SECRET)).replace("http://localhost:3000", server.url)
        with running(["env", *shlex.split(filled_in)], {**os.environ, "PATH": programs}, tmp_path):
            await add_users(server)
            await People(seed=7).run(server, ACTS_BETWEEN_KILLS)
            async with AsyncHttpClient(base_url=server.url) as http:
                truth = Truth(server, http)
                stored, cursor = await truth.conversations(), await truth.cursor()
            assert stored
            assert await caught_up(RECEIVERS[0], tmp_path, cursor) == stored


@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda receiver: receiver.file)
async def test_a_receiver_begins_again_with_another_log(receiver: Receiver, tmp_path: Path) -> None:
    """The server's data is replaced, as by a backup that was restored."""
    port = reserved_port()
    for name in ("before", "after"):
        folder = tmp_path / name
        folder.mkdir()
        with running_chat(folder, port=port) as server:
            await add_users(server)
            people = People(seed=len(name))
            await people.run(server, 10)
            async with AsyncHttpClient(base_url=server.url) as http:
                truth = Truth(server, http)
                stored, cursor = await truth.conversations(), await truth.cursor()
            with receiving(receiver, server, tmp_path):
                assert await caught_up(receiver, tmp_path, cursor) == stored
