"""Moving a chat to another database: clients continue after a copy, and reload everything after a restore."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from talkwire.storage.engine import database_url, writing_engine
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.chat.returner import Returner
from tests.chat.test_recovery import contents, service_send
from tests.chat.test_search import found, search
from tests.cli.processes import run_talkwire
from tests.databases import PostgresServer

Variables = Mapping[str, str]


async def talkwire(folder: Path, *arguments: str) -> str:
    """Runs a `talkwire` command that must succeed, and returns its output."""
    answer = await asyncio.to_thread(run_talkwire, *arguments, cwd=folder)
    assert answer.exit_code == 0, answer.err
    return answer.out


@asynccontextmanager
async def serving(folder: Path, variables: Variables, people: World | None = None) -> AsyncIterator[World]:
    """Runs a server process with the users of an earlier server. All servers share the folder of uploads."""
    files = {"TALKWIRE_FILES": str(folder / "uploaded")}
    with running_chat(folder, {**files, **variables}) as server:
        async with world_at(server) as world:
            if people is not None:
                world.take_ids_of(people)
            yield world


async def end(world: World, number: signal.Signals) -> None:
    assert isinstance(world.server, ServerProcess)
    world.server.process.send_signal(number)
    await asyncio.to_thread(world.server.wait_ended)


@pytest.fixture
def urls(postgresql: PostgresServer, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Returns the address of an empty database of each kind."""
    name = postgresql.create()
    (tmp_path / "data").mkdir(0o700)
    yield {
        "sqlite": f"sqlite:///{tmp_path}/data/talkwire.db",
        "postgresql": postgresql.url_of(name).render_as_string(hide_password=False),
    }
    postgresql.drop(name)


async def events_after(world: World, cursor: str, by: str) -> tuple[list[Any], str]:
    """Returns the events after a cursor, and the next cursor."""
    answer = await world.request("GET", "/api/v1/sync", by=by, params={"after": cursor})
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert not page["more"]
    return page["events"], page["cursor"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "kill -9"])
@pytest.mark.parametrize("to", ["postgresql", "sqlite"])
async def test_clients_continue_after_a_copy(
    tmp_path: Path, urls: Mapping[str, str], to: str, number: signal.Signals
) -> None:
    source, target = (
        urls[kind] for kind in (("sqlite", "postgresql") if to == "postgresql" else ("postgresql", "sqlite"))
    )
    async with serving(tmp_path, {"DATABASE_URL": source}) as before:
        conversation, left = await before.conversation("alice", "bob"), await before.conversation("alice", "bob")
        alice = Returner(before, "alice")
        await alice.come()
        socket_id = alice.socket.socket_id
        await alice.socket.done("conversation:leave", {"conversationId": left})
        await service_send(before, conversation, "bob", "heard before")
        await alice.socket.next("message:new")
        alice.note()
        bob_cursor = (await before.request("GET", "/api/v1/sync", by="bob")).json()["cursor"]
        unread = await before.request("GET", f"/api/v1/conversations/{conversation}", by="alice")
        upload = await before.request("POST", "/api/v1/files", by="alice", files={"file": ("a.txt", b"a file")})
        await alice.socket.send_message(conversation, "see there", attachments=[{"id": upload.json()["id"]}])
        await alice.socket.next("message:new")
        await alice.cut()
        zebra = {"conversationId": conversation, "content": "missed zebra", "clientMessageId": "once"}
        sent = await before.request("POST", "/api/v1/messages", by="bob", json=zebra)
        await found(before, "alice", 1, q="zebra")
        await end(before, number)
    if source.startswith("postgresql") and number == signal.SIGKILL:
        end_leases(source)
    await talkwire(tmp_path, "copy", "--from", source, "--to", target)
    async with serving(tmp_path, {"DATABASE_URL": target}, before) as after:
        await service_send(after, left, "bob", "not heard")
        alice.world = after
        assert await alice.come()
        assert alice.socket.socket_id == socket_id
        await alice.socket.next("message:new")
        assert contents(await alice.notified()) == ["missed zebra"]
        await service_send(after, conversation, "bob", "live")
        await alice.socket.next("message:new")
        events, cursor = await events_after(after, bob_cursor, "bob")
        notified = [event["data"]["content"] for event in events if event["event"] == "message:new"]
        assert notified == ["see there", "missed zebra", "not heard", "live"]
        assert (await events_after(after, cursor, "bob"))[0] == []
        # A retry of an earlier message is not stored again, and new messages continue the numbering.
        again = await after.request("POST", "/api/v1/messages", by="bob", json=zebra)
        assert again.json()["id"] == sent.json()["id"]
        live = await after.request("GET", f"/api/v1/conversations/{conversation}", by="alice")
        assert live.json()["unreadCount"] == unread.json()["unreadCount"] + 2
        (item,) = await found(after, "alice", 1, q="zebra")
        assert item["id"] == sent.json()["id"]
        file = await after.request("GET", upload.json()["url"], by="bob")
        assert file.content == b"a file"


def end_leases(database: str) -> None:
    """Deletes the lease of a killed server, so that the test does not have to wait until it expires."""
    engine = writing_engine(database_url(database))
    with engine.begin() as connection:
        connection.execute(text("UPDATE nodes SET lease_until_ms = EXTRACT(epoch FROM clock_timestamp()) * 1000 - 1"))
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_restored_backup_starts_a_new_epoch(tmp_path: Path, urls: Mapping[str, str], kind: str) -> None:
    """The backup is made while the server runs and users write."""
    where = ("--database", urls[kind], "--files", str(tmp_path / "uploaded"))
    async with serving(tmp_path, {"DATABASE_URL": urls[kind]}) as before:
        account = {"email": "alice@example.com", "password": "correct horse battery", "name": "Alice"}
        registered = (await before.request("POST", "/api/v1/auth/register", json=account)).json()
        conversation = await before.conversation("alice", "bob")
        alice = Returner(before, "alice")
        await alice.come()
        upload = await before.request("POST", "/api/v1/files", by="alice", files={"file": ("a.txt", b"a file")})
        await alice.socket.send_message(conversation, "before", attachments=[{"id": upload.json()["id"]}])
        cursor = (await before.request("GET", "/api/v1/sync", by="alice")).json()["cursor"]
        alice.note()
        writing = asyncio.create_task(_write_until_cancelled(before, conversation))
        done = await talkwire(tmp_path, "backup", str(tmp_path / "chat.backup"), *where)
        assert "1 uploaded files" in done
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await service_send(before, conversation, "bob", "after the backup")
        await end(before, signal.SIGTERM)
    # The machine and all its data are lost.
    (tmp_path / "uploaded").rename(tmp_path / "lost")
    new = f"sqlite:///{tmp_path}/new.db"
    await talkwire(tmp_path, "restore", str(tmp_path / "chat.backup"), "--database", new, *where[2:])
    async with serving(tmp_path, {"DATABASE_URL": new}, before) as after:
        answer = await after.request("GET", "/api/v1/sync", by="alice", params={"after": cursor})
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "cursor_epoch")
        alice.world = after
        assert not await alice.come()
        (item,) = await found(after, "alice", 1, q="before")
        assert item["attachments"][0]["id"] == upload.json()["id"]
        assert (await search(after, "alice", q="after the backup")).json()["items"] == []
        messages = await after.request("GET", f"/api/v1/conversations/{conversation}/messages", by="alice")
        seqs = sorted(message["seq"] for message in messages.json()["items"])
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert (await after.request("GET", upload.json()["url"], by="bob")).content == b"a file"
        signed_in = {name: account[name] for name in ("email", "password")}
        assert (await after.request("POST", "/api/v1/auth/login", json=signed_in)).status_code == 200
        # Devices must sign in again: one that signed out after the backup must not get access.
        refreshing = {"refreshToken": registered["refreshToken"]}
        assert (await after.request("POST", "/api/v1/auth/refresh", json=refreshing)).status_code == 401


async def _write_until_cancelled(world: World, conversation: str) -> None:
    number = 0
    while True:
        await service_send(world, conversation, "bob", f"meanwhile {number}")
        number += 1
