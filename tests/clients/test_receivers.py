"""The receivers that the documentation shows, in a chat in which everything has happened: each event of the log, an
erasure, and a rewind. In the end they have what the server has, and nothing of the person who was erased.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire.core.domain.desk.teams import MEMBERSHIPS_BATCH_MAX
from talkwire.dialects.messenger.log_events import LOG_EVENT_NAMES
from tests.chat.chat_server import ServerProcess, running_chat
from tests.clients.test_event_receivers import RECEIVERS, Truth, caught_up, receiving
from tests.http_client import AsyncHttpClient
from tests.protocol.server_process import reserved_port
from tests.waiting import DEADLINE_S, deadline

EXAMPLES = Path(__file__).parents[2] / "examples"
CANARY = "dinosaur"
"""In every text by and about the person who is erased."""

OF_SOCKETS = {"call:missed", "call:recorded"}

ROLES = {None: "service", "operator": "admin"}

Json = dict[str, Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    settings = {"TALKWIRE_WEBHOOK_ALLOW": "127.0.0.0/8", "TALKWIRE_ACCOUNTS": "open"}
    with running_chat(tmp_path, settings) as server:
        yield server
        assert server.logged_errors() == []


class People:
    """Sends requests as users, or as the back end."""

    def __init__(self, server: ServerProcess, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http

    async def ask(self, user: str | None, method: str, path: str, body: object = None) -> Json:
        token = self._server.token(user or "backend", role=ROLES.get(user))
        headers = {"authorization": f"Bearer {token}"}
        answer = await self._http.request(method, path, json=body, headers=headers)
        assert answer.is_success, (method, path, answer.text)
        found: Json = answer.json() if answer.content else {}
        return found

    async def send(self, user: str, content: str, **further: object) -> str:
        body = {"conversationId": "talk", "content": content, **further}
        return str((await self.ask(user, "POST", "messages", body))["id"])


async def do_everything(people: People) -> None:
    """Causes each event of the log that needs no socket, and erases Dave."""
    ask, send = people.ask, people.send
    names = {"alice": "Alice", "bob": "Bob", "carol": "Carol", "dave": f"Dave the {CANARY}"}
    await ask(None, "POST", "users/batch", {"users": [{"id": id_, "name": name} for id_, name in names.items()]})
    group = {"kind": "group", "id": "talk", "memberIds": [*names], "ownerId": "alice", "metadata": {"order": 17}}
    await ask(None, "POST", "conversations", group)
    await ask(None, "POST", "conversations", {**group, "id": "gone"})
    await _write(people)
    await ask(None, "POST", "messages", {"conversationId": "gone", "senderId": "bob", "content": "soon gone"})
    await ask(None, "DELETE", "conversations/gone")
    await _manage(people)
    await _settle(people)
    await _serve(people)
    await ask("dave", "PATCH", "users/me", {"text": f"I am a {CANARY}."})
    last = await send("dave", f"A {CANARY} never forgets.")
    await send("bob", "Really?", replyToId=last)
    await ask(None, "DELETE", "users/dave?messages=redact")


async def _write(people: People) -> None:
    ask, send = people.ask, people.send
    first = await send("alice", "first")
    await ask("alice", "PATCH", f"messages/{first}", {"content": "edited"})
    await send("bob", "a reply", replyToId=first)
    reply = await send("bob", "in the thread", threadId=first)
    await ask("carol", "PUT", f"messages/{first}/thread/following")
    await ask(None, "DELETE", f"messages/{reply}")
    for user, emoji in (("bob", "👍"), ("carol", "👍"), ("dave", "🎉")):
        await ask(user, "PUT", f"messages/{first}/reactions/{emoji}")
    await ask("carol", "DELETE", f"messages/{first}/reactions/👍")
    pinned, unpinned = await send("alice", "pinned"), await send("alice", "pinned for a while")
    for message in (pinned, unpinned):
        await ask("alice", "PUT", f"messages/{message}/pin")
    await ask("alice", "DELETE", f"messages/{unpinned}/pin")
    deleted = await send("carol", "deleted")
    await ask("carol", "PUT", f"messages/{deleted}/reactions/👍")
    await ask("carol", "DELETE", f"messages/{deleted}")
    await ask("bob", "PUT", f"messages/{first}/saved")
    await ask("bob", "POST", "conversations/talk/delivered", {"messageId": pinned})
    await ask("bob", "POST", "conversations/talk/read", {"messageId": pinned})
    await ask("carol", "POST", "conversations/talk/read", {})
    await ask("carol", "POST", "conversations/talk/unread", {"messageId": pinned})
    imported = {"senderId": "carol", "createdAt": datetime(2020, 1, 2, tzinfo=UTC).isoformat(), "conversationId": "old"}
    await ask(None, "POST", "conversations", {"kind": "group", "id": "old", "memberIds": ["alice", "carol"]})
    await ask(None, "POST", "messages", {**imported, "content": "years ago"})
    await ask("alice", "POST", f"messages/{first}/forward", {"conversationIds": ["old"]})
    reported = (await ask("bob", "POST", f"messages/{first}/report", {"reason": "spam"}))["id"]
    await ask("operator", "PATCH", f"reports/{reported}", {"state": "dismissed", "reason": "It is no spam."})


async def _manage(people: People) -> None:
    ask = people.ask
    await ask("alice", "PATCH", "conversations/talk", {"name": "Renamed"})
    await ask("alice", "PATCH", "conversations/talk/members/bob", {"role": "admin"})
    await ask("alice", "DELETE", "conversations/talk/members/carol")
    await ask("alice", "POST", "conversations/talk/members", {"userIds": ["carol"]})
    await ask("alice", "PUT", "conversations/talk/mutes/carol", {"reason": "too loud"})
    await ask("alice", "DELETE", "conversations/talk/mutes/carol")
    offer = {"title": "A bicycle", "amount": 5000, "currency": "EUR"}
    offered = (await ask("alice", "POST", "conversations/talk/offers", offer))["id"]
    await ask("bob", "POST", f"offers/{offered}/counter", {"amount": 4000})
    invited = await ask("alice", "POST", "invitations", {"conversationIds": ["talk"]})
    await ask("erin", "GET", "users/me")
    await ask("erin", "POST", f"invitations/{invited['code']}/accept")
    await ask("alice", "DELETE", f"invitations/{invited['id']}")
    for hold in (True, False):
        await ask(None, "PATCH", "conversations/talk", {"hold": hold})


async def _serve(people: People) -> None:
    """Answers a customer as a member of a team, whose memberships need two batches."""
    ask = people.ask
    staff = ["bob", *(f"staff-{number}" for number in range(MEMBERSHIPS_BATCH_MAX))]
    await ask(None, "POST", "users/batch", {"users": [{"id": id_, "name": id_} for id_ in staff]})
    await ask(None, "PUT", "teams/support", {"name": "Support", "memberIds": staff})
    desk = {"kind": "group", "id": "desk", "memberIds": ["carol"], "teamIds": ["support"]}
    await ask(None, "POST", "conversations", desk)
    await ask("carol", "POST", "messages", {"conversationId": "desk", "content": "Where is my order?"})
    await ask("bob", "POST", "conversations/desk/claim", {})
    await ask("bob", "POST", "messages", {"conversationId": "desk", "content": "On its way."})
    await ask("bob", "POST", "conversations/desk/close", {})


async def _settle(people: People) -> None:
    """Changes users, their preferences and their sign-ins."""
    ask = people.ask
    await ask("alice", "PATCH", "users/me", {"name": "Alicia"})
    await ask(None, "PUT", "users/carol/ban", {"reason": "spam"})
    await ask(None, "DELETE", "users/carol/ban")
    await ask("alice", "PUT", "users/me/blocks/erin")
    await ask("alice", "DELETE", "users/me/blocks/erin")
    await ask("bob", "PATCH", "conversations/talk/preferences", {"notify": "none"})
    await ask("bob", "PUT", "users/me/preferences", {"notify": {"direct": False}})
    await ask("bob", "POST", "notifications/read", {"all": True})
    account = {"email": "frank@shop.example", "name": "Frank", "password": "correct horse battery"}
    session = await ask(None, "POST", "auth/register", account)
    await ask(None, "POST", "auth/refresh", {"refreshToken": session["refreshToken"]})
    sessions = f"admin/users/{session['user']['id']}/sessions"
    (signed_in,) = (await ask("operator", "GET", sessions))["items"]
    await ask("operator", "DELETE", f"{sessions}/{signed_in['id']}")


@asynccontextmanager
async def receiving_webhooks(name: str, port: int, secret: str) -> AsyncIterator[Process]:
    program = sys.executable if name.endswith(".py") else "node"
    process = await asyncio.create_subprocess_exec(
        program, str(EXAMPLES / "webhooks" / name), str(port), stdout=PIPE, env={**os.environ, "SECRET": secret}
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def rebuilt(process: Process, expected: Json) -> Json:
    """Returns what a webhook's receiver has printed, once it is as expected."""
    assert process.stdout is not None
    printed: Json = {}
    async with asyncio.timeout(DEADLINE_S):
        while printed != expected and (line := await process.stdout.readline()):
            printed = json.loads(line)
    return printed


async def test_receivers_have_what_the_server_has_after_everything(server: ServerProcess, tmp_path: Path) -> None:
    async with AsyncExitStack() as running, AsyncHttpClient(base_url=f"{server.url}/api/v1", timeout=60) as http:
        people = People(server, http)
        hooks: dict[str, tuple[str, int, str, Process]] = {}
        for name in ("receiver.py", "receiver.mjs"):
            port = reserved_port()
            hook = await people.ask(None, "POST", "webhooks", {"url": f"http://127.0.0.1:{port}/", "after": "start"})
            process = await running.enter_async_context(receiving_webhooks(name, port, hook["secret"]))
            hooks[name] = (hook["id"], port, hook["secret"], process)
        for receiver in RECEIVERS:
            running.enter_context(receiving(receiver, server, tmp_path))
        await do_everything(people)

        events = await _all_events(people)
        assert set(LOG_EVENT_NAMES) - {event["type"] for event in events} == OF_SOCKETS
        truth = Truth(server, await running.enter_async_context(AsyncHttpClient(base_url=server.url)))
        stored, cursor = await truth.conversations(), await truth.cursor()
        assert CANARY not in json.dumps(stored)
        for receiver in RECEIVERS:
            assert await caught_up(receiver, tmp_path, cursor) == stored
            assert CANARY not in _kept(tmp_path / receiver.file)
        expected = await _expected(people, stored)
        for name, (hook_id, port, secret, process) in hooks.items():
            assert await rebuilt(process, expected) == expected, name
            await _end(process)
            async with receiving_webhooks(name, port, secret) as fresh:
                await people.ask(None, "POST", f"webhooks/{hook_id}/rewind", {"after": "start"})
                assert await rebuilt(fresh, expected) == expected, f"{name} after a rewind"


def _kept(file: Path) -> str:
    """Returns everything that a receiver of the event stream has stored."""
    if file.suffix == ".json":
        return file.read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(file)) as database:
        return "\n".join(database.iterdump())


async def _all_events(people: People) -> list[Json]:
    events: list[Json] = []
    after = "start"
    while (page := await people.ask(None, "GET", f"events?after={after}&limit=100"))["items"]:
        events += page["items"]
        after = page["cursor"]
    return events


async def _expected(people: People, stored: dict[str, Any]) -> Json:
    users = (await people.ask(None, "GET", "users?query=&limit=100"))["items"]
    return {
        "names": {user["id"]: user["name"] for user in users} | {"dave": "Deleted user"},
        "conversations": {
            id_: {id_: content for id_, (_, _, content, deleted, _) in each["messages"].items() if not deleted}
            for id_, each in stored.items()
        },
    }


async def test_a_receiver_ends_when_its_token_is_refused(server: ServerProcess, tmp_path: Path) -> None:
    for receiver in RECEIVERS:
        command = [*receiver.command, server.url, str(tmp_path / receiver.file)]
        environment = {**os.environ, "JWT_SECRET": "another secret, which also has 32 bytes"}
        process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=PIPE)
        async with deadline():
            _, received = await process.communicate()
        assert process.returncode == 1
        assert b"The token's signature is wrong." in received


def test_the_page_about_webhooks_shows_the_receivers_as_they_are() -> None:
    page = (EXAMPLES.parent / "docs" / "webhooks.md").read_text(encoding="utf-8")
    for name, language in (("receiver.py", "python"), ("receiver.mjs", "js")):
        code = (EXAMPLES / "webhooks" / name).read_text(encoding="utf-8")
        assert f"```{language}\n{code}```" in page
