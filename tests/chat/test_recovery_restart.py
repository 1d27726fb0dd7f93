"""Recovery of sockets after a restart of the server, from the log, since the memory is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from talkwire.app import Node
from talkwire.core.commands.command import Command
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.server.recovery import KeepSessionRoom
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.domain.actors import PRUNER
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Actor
from talkwire.core.engine.chat import Chat
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from talkwire.realtime.clients.recoverable import RecoverableSockets
from talkwire.realtime.recovery.event_ring import RingEntry
from talkwire.realtime.recovery.recovery import Recovery
from talkwire.realtime.recovery.replay import ReplayingSocket
from talkwire.settings import Settings
from tests.chat.chat_server import SECRET, ServerProcess, in_process, running_chat, serving
from tests.chat.conftest import World, world_at
from tests.chat.returner import Returner
from tests.chat.test_recovery import contents, log_reads, service_send
from tests.databases import PostgresServer


@asynccontextmanager
async def running(
    folder: Path, people: World | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[World]:
    """Runs a server process on the data in a folder, with the users of an earlier server."""
    with running_chat(folder, environment) as server:
        async with world_at(server) as world:
            if people is not None:
                world.take_ids_of(people)
            yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    """Yields the environment variables for a database of each kind."""
    if request.param == "sqlite":
        yield {}
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    name = server.create_migrated()
    yield {"DATABASE_URL": server.url_of(name).render_as_string(hide_password=False)}
    server.drop(name)


@asynccontextmanager
async def served(folder: Path, people: World | None = None, **settings: Any) -> AsyncIterator[World]:  # noqa: ANN401
    """Runs a server in this process and stops it gracefully, for tests that need no kill."""
    node = Node(Settings(data=folder / "data", jwt_secret=SECRET, rate_limits=False, **settings))
    async with serving(node) as address, world_at(address) as world:
        if people is not None:
            world.take_ids_of(people)
        yield world


async def end(world: World, number: signal.Signals) -> None:
    assert isinstance(world.server, ServerProcess)
    world.server.process.send_signal(number)
    await asyncio.to_thread(world.server.wait_ended)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "kill -9"])
async def test_a_session_is_recovered_after_a_restart(
    tmp_path: Path, environment: Mapping[str, str], number: signal.Signals
) -> None:
    async with running(tmp_path, environment=environment) as before:
        conversation, left = await before.conversation("alice", "bob"), await before.conversation("alice", "bob")
        alice = Returner(before, "alice")
        await alice.come()
        sid = alice.socket.socket_id
        await alice.socket.done("conversation:leave", {"conversationId": left})
        await service_send(before, conversation, "bob", "before")
        await alice.socket.next("message:new")
        alice.note()
        # May or may not have been sent when the server is killed.
        await service_send(before, conversation, "bob", "meanwhile")
        await end(before, number)
    async with running(tmp_path, before, environment) as after:
        await service_send(after, left, "bob", "not heard")
        await service_send(after, conversation, "bob", "missed")
        alice.world = after
        assert await alice.come()
        assert alice.socket.socket_id == sid
        await service_send(after, left, "bob", "not heard either")
        await service_send(after, conversation, "bob", "live")
        for _ in range(3):
            await alice.socket.next("message:new")
        assert contents(await alice.notified()) == ["meanwhile", "missed", "live"]
        assert await log_reads(after) > 0
        # Later events come from memory.
        reads = await log_reads(after)
        await alice.cut()
        await service_send(after, conversation, "bob", "again")
        assert await alice.come()
        assert contents(await alice.notified()) == ["again"]
        assert await log_reads(after) == reads


async def test_a_session_is_recovered_after_two_kills(tmp_path: Path) -> None:
    """The second time, the `pid` names a node other than the last one."""
    async with running(tmp_path) as first:
        conversation, opened = await first.conversation("alice", "bob"), await first.conversation("alice", "bob")
        alice = Returner(first, "alice", WHATSAPP)
        await alice.come()
        await alice.socket.call("conversation:join", {"conversationId": opened})
        await service_send(first, opened, "bob", "one")
        await alice.socket.next("message:received")
        alice.note()
        await end(first, signal.SIGKILL)
    received = []
    for number in range(2):
        async with running(tmp_path, first) as later:
            alice.world = later
            await service_send(later, conversation, "bob", "in no room")
            await service_send(later, opened, "bob", f"missed {number}")
            assert await alice.come()
            received.append((await alice.socket.next("message:received"))["content"])
            await alice.notified()
            alice.note()
            await end(later, signal.SIGKILL)
    assert received == [{"text": "missed 0"}, {"text": "missed 1"}]


async def test_a_client_disconnect_is_remembered_after_a_kill(tmp_path: Path) -> None:
    async with running(tmp_path) as before:
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
        await alice.socket.connection.send("41")
        # A later write is stored, so this one is stored too.
        await before.conversation("alice")
        await end(before, signal.SIGKILL)
    async with running(tmp_path, before) as after:
        alice.world = after
        assert not await alice.come()


async def test_a_user_added_while_the_server_was_stopped_is_notified(tmp_path: Path) -> None:
    async with served(tmp_path) as before:
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
    async with served(tmp_path, before) as after:
        conversation = await after.conversation("alice", "bob")
        await service_send(after, conversation, "bob", "welcome")
        await after.request("PATCH", "/api/v1/users/me", by="bob", json={"name": "Robert"})
        alice.world = after
        assert await alice.come()
        await alice.socket.next("user:updated")
        notified = await alice.notified()
        assert [name for name, *_ in notified] == ["conversation:new", "message:new", "user:updated"]


async def test_no_session_is_recovered_after_the_window(tmp_path: Path) -> None:
    async with served(tmp_path, recovery_window_s=0) as before:
        alice = Returner(before, "alice")
        await alice.come()
        await alice.cut()
        assert not await alice.come(), "here"
        await alice.notified()
        alice.note()
    async with served(tmp_path, before, recovery_window_s=0) as after:
        alice.world = after
        assert not await alice.come(), "nor after a restart"


@pytest.mark.parametrize(("mode", "asks", "given"), [("never", True, False), ("always", None, True)])
async def test_the_setting_decides_which_clients_can_recover(
    tmp_path: Path, mode: str, asks: object, given: object
) -> None:
    async with served(tmp_path, recovery=mode) as world:
        alice = Returner(world, "alice")
        await alice.come(recovery=asks)
        assert ("pid" in alice.socket.answer) is given


async def test_moderation_while_the_server_was_stopped_applies(tmp_path: Path) -> None:
    async with served(tmp_path) as before:
        conversation = await before.conversation("bob", "alice")
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
    async with served(tmp_path, before) as after:
        bob = await after.connect("bob")
        await bob.send_message(conversation, "from while alice was a member")
        await bob.done("member:remove", {"conversationId": conversation, "userId": after.id_of("alice")})
        await bob.send_message(conversation, "not for alice")
        alice.world = after
        assert await alice.come()
        await bob.send_message(conversation, "nor this")
        await alice.socket.next("member:removed")
        assert contents(await alice.notified()) == []


async def test_a_session_whose_device_signed_out_is_not_recovered(tmp_path: Path) -> None:
    async with served(tmp_path, accounts="open") as world:
        account = {"email": "a@example.com", "password": "correct horse battery", "name": "A"}
        signed_in = (await world.http.post("/api/v1/auth/register", json=account)).json()
        alice = Returner(world, "alice")
        await alice.come(token=signed_in["accessToken"])
        await alice.cut()
        headers = {"authorization": f"Bearer {signed_in['accessToken']}"}
        body = {"refreshToken": signed_in["refreshToken"]}
        assert (await world.http.post("/api/v1/auth/logout", json=body, headers=headers)).is_success
        with pytest.raises(Exception, match="unauthenticated"):
            await alice.come(token=signed_in["accessToken"])


async def test_a_session_from_before_the_pruned_log_is_not_recovered(tmp_path: Path) -> None:
    async with serving(in_process(tmp_path)) as address, world_at(address) as before:
        conversation = await before.conversation("alice", "bob")
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
        await service_send(before, conversation, "bob", "missed and pruned")
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as after:
        after.take_ids_of(before)
        while await node.chat.execute(PRUNER, PruneOld(-1)):
            pass
        alice.world = after
        assert not await alice.come()
        assert contents(await alice.notified()) == []


async def test_too_much_history_is_a_fresh_session(tmp_path: Path) -> None:
    async with serving(in_process(tmp_path)) as address, world_at(address) as before:
        conversation = await before.conversation("alice", "bob")
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as after:
        after.take_ids_of(before)
        bob = Actor(after.id_of("bob"), "Bob")
        await asyncio.gather(*(node.chat.execute(bob, SendMessage(conversation, str(n))) for n in range(10_150)))
        alice.world = after
        assert not await alice.come()
        assert contents(await alice.notified()) == []


async def test_too_much_in_memory_is_a_fresh_session(tmp_path: Path) -> None:
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as world:
        conversation = await world.conversation("alice", "bob")
        alice = Returner(world, "alice")
        await alice.come()
        await alice.cut()
        bob = Actor(world.id_of("bob"), "Bob")
        await asyncio.gather(*(node.chat.execute(bob, SendMessage(conversation, str(n))) for n in range(10_150)))
        assert not await alice.come()
        assert contents(await alice.notified()) == []


async def test_a_moved_session_that_its_node_forgot_is_not_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `pid` names the previous node, while the database names this node, which is alive."""
    async with served(tmp_path) as before:
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
    async with served(tmp_path, before) as after:
        alice.world = after
        assert await alice.come()
        # A later write is stored, so this one is stored too.
        await after.conversation("alice")
        await alice.cut()
        monkeypatch.setattr(RecoverableSockets, "find", lambda *_: None)  # as when the window is over
        assert not await alice.come()


async def test_an_event_that_cannot_be_rendered_is_left_out_of_a_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames_of = ReplayingSocket.frames_of

    def failing(listener: ReplayingSocket, kept: RingEntry, counter: int | None) -> bytes:
        if isinstance(kept.event, MessageSent) and kept.event.message.content == "broken":
            raise RuntimeError("a payload that cannot be made")
        return frames_of(listener, kept, counter)

    async with served(tmp_path) as world:
        conversation = await world.conversation("alice", "bob")
        alice = Returner(world, "alice")
        await alice.come()
        await alice.cut()
        for content in ("before", "broken", "behind"):
            await service_send(world, conversation, "bob", content)
        monkeypatch.setattr(ReplayingSocket, "frames_of", failing)
        assert await alice.come()
        assert contents(await alice.notified()) == ["before", "behind"]


async def test_leaving_a_room_while_one_is_removed_from_it_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as world:
        conversation = await world.conversation("bob", "alice")
        alice, bob = Returner(world, "alice"), Actor(world.id_of("bob"), "Bob")
        await alice.come()
        execute = Chat.execute

        async def executing(chat: Chat, actor: Actor, command: Command[Any]) -> object:
            found = await execute(chat, actor, command)
            if isinstance(command, KeepSessionRoom):
                await execute(chat, bob, RemoveMember(conversation, world.id_of("alice")))
            return found

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Chat, "execute", executing)
            answer = await alice.socket.call("conversation:leave", {"conversationId": conversation})
        assert answer["success"] is False
        await node.chat.execute(bob, AddMembers(conversation, (world.id_of("alice"),)))
        await alice.cut()
        await service_send(world, conversation, "bob", "missed")
        assert await alice.come()
        assert contents(await alice.notified()) == ["missed"]


async def test_a_room_that_is_opened_again_while_its_leaving_is_stored_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as world:
        conversation = await world.conversation("bob", "alice")
        alice = Returner(world, "alice")
        await alice.come()
        execute, choose = Chat.execute, Recovery.choose
        leaving, returning, stored = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def executing(chat: Chat, actor: Actor, command: Command[Any]) -> object:
            if isinstance(command, KeepSessionRoom) and command.opened is False:
                leaving.set()
                await stored.wait()
            return await execute(chat, actor, command)

        async def choosing(self: Recovery, *choice: Any, opened: bool, by_default: bool) -> None:  # noqa: ANN401
            if opened:
                returning.set()
            await choose(self, *choice, opened=opened, by_default=by_default)

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Chat, "execute", executing)
            meanwhile.setattr(Recovery, "choose", choosing)
            await alice.socket.emit("conversation:leave", {"conversationId": conversation})
            await leaving.wait()
            alice.note()
            alice.socket.connection.transport.abort()
            await alice.socket.wait_closed()
            assert await alice.come()
            opening = asyncio.ensure_future(alice.socket.done("conversation:join", {"conversationId": conversation}))
            await returning.wait()
            stored.set()
            await opening
        await alice.cut()
        await service_send(world, conversation, "bob", "missed")
        assert await alice.come()
        assert contents(await alice.notified()) == ["missed"]


async def test_changed_profiles_are_delivered_after_a_restart(tmp_path: Path, environment: Mapping[str, str]) -> None:
    """The new process knows no contacts yet, and reads them for the events of the log."""
    async with running(tmp_path, environment=environment) as before:
        await before.conversation("alice", "bob")
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
        await before.request("PATCH", "/api/v1/users/me", by="bob", json={"name": "Robert"})
        await before.request("PATCH", "/api/v1/users/me", by="stranger", json={"name": "Nobody"})
        await end(before, signal.SIGTERM)
    async with running(tmp_path, before, environment) as after:
        alice.world = after
        assert await alice.come()
        assert (await alice.socket.next("user:updated"))["name"] == "Robert"
        assert [payload["name"] for name, payload, _ in await alice.notified() if name == "user:updated"] == ["Robert"]


async def test_many_pages_of_the_log_are_delivered_completely_and_in_order(tmp_path: Path) -> None:
    async with serving(in_process(tmp_path)) as address, world_at(address) as before:
        conversation = await before.conversation("alice", "bob")
        alice = Returner(before, "alice")
        await alice.come()
        alice.note()
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as after:
        after.take_ids_of(before)
        bob = Actor(after.id_of("bob"), "Bob")
        sent = [f"{number} {'x' * (number * 37 % 5000)}" for number in range(1500)]
        await asyncio.gather(*(node.chat.execute(bob, SendMessage(conversation, text)) for text in sent))
        alice.world = after
        coming = asyncio.create_task(alice.come())
        late = [f"late {number}" for number in range(300)]
        for text in late:
            await node.chat.execute(bob, SendMessage(conversation, text))
        assert await coming
        received = [(await alice.socket.next("message:new"))["content"] for _ in range(len(sent) + len(late))]
        assert received == [*sent, *late]
        assert contents(await alice.notified()) == received
