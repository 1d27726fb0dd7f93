"""The namespace of Socket.IO's Admin UI: who may connect, what is shown, what it costs. tests/page runs the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from talkwire.app import Node
from talkwire.realtime.admin_ui import admin_namespace, node_watch
from talkwire.realtime.admin_ui.admin_namespace import AdminNamespace
from talkwire.realtime.admin_ui.observed import ObservedServer
from talkwire.realtime.chat.chat_namespace import ChatNamespace
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.realtime.socketio.socketio_socket import SocketConnection
from tests.admin_ui_page import ACCOUNT, PASSWORD, SIGN_IN, AdminPage, admin_page, refusal
from tests.chat.chat_client import ChatClient, open_client
from tests.chat.chat_server import in_process, serving
from tests.chat.conftest import World, world_at
from tests.waiting import until

SECRET_TEXT = "between the two of us"
INVALID_CREDENTIALS = "invalid credentials"

Observed = Callable[..., AbstractAsyncContextManager[tuple[Node, World]]]


@pytest.fixture
def observed(tmp_path: Path) -> Observed:
    """Serves with the Admin UI and these settings, in this process."""

    @asynccontextmanager
    async def observed(**settings: Any) -> AsyncIterator[tuple[Node, World]]:  # noqa: ANN401 (settings)
        node = Node(replace(in_process(tmp_path).settings, socketio_admin=ACCOUNT, **settings))
        async with serving(node) as address, world_at(address) as world:
            yield node, world

    return observed


def page_of(world: World) -> AbstractAsyncContextManager[AdminPage]:
    return admin_page(world.server.url)


# --- off ------------------------------------------------------------------------------------------------------------


async def test_without_the_setting_there_is_no_namespace_and_nothing_observes(tmp_path: Path) -> None:
    node = in_process(tmp_path)
    async with serving(node) as address:
        assert "Invalid namespace" in await refusal(address.url, SIGN_IN)
        assert (type(node.engine), type(node.engine.hub)) == (SocketServer, Hub)
        assert type(node.engine.handler_of("/")) is ChatNamespace
        client = await open_client(address.websocket_url)
        assert {type(connection) for connection in node.engine.connections} == {SocketConnection}
        await client.close()


# --- signing in -----------------------------------------------------------------------------------------------------

INVALID: list[Any] = [
    {},
    {"username": "admin"},
    {"username": "admin", "password": "wrong"},
    {"username": "Admin", "password": PASSWORD},
    {"username": "admin", "password": None},
    {"username": ["admin"], "password": PASSWORD},
    {"username": "admin", "password": {"$ne": ""}},
    {"username": "admin", "password": "x" * 10_000},
    {"username": "admin", "password": "\0" + PASSWORD},
    {"username": "admin", "password": PASSWORD + "\0"},
    {"sessionId": "99999999999-" + "0" * 64},
    {"sessionId": "1-" + "0" * 64},
    {"sessionId": 7},
    {"token": PASSWORD},
]


async def test_only_the_name_and_the_password_of_the_setting_are_accepted(observed: Observed) -> None:
    async with observed() as (_, world):
        for auth in INVALID:
            assert INVALID_CREDENTIALS in await refusal(world.server.url, auth), auth
        async with page_of(world) as page:
            await page.next("config")


async def test_a_session_replaces_the_password_until_it_has_expired(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with observed() as (_, world):
        async with page_of(world) as page:
            (session_id,) = await page.next("session")
        async with admin_page(world.server.url, {"sessionId": session_id}) as page:
            await page.next("config")
            assert "session" not in page.names()
        assert INVALID_CREDENTIALS in await refusal(world.server.url, {"sessionId": f"1{session_id}"})
        expires = int(session_id.partition("-")[0])
        monkeypatch.setattr("talkwire.realtime.admin_ui.credentials.time.time", lambda: float(expires))
        assert INVALID_CREDENTIALS in await refusal(world.server.url, {"sessionId": session_id})


async def test_guessing_is_limited_and_right_passwords_are_not_counted(observed: Observed) -> None:
    async with observed(rate_limits=True, rates=("account_sign_ins=0.001/1",)) as (_, world):
        for _ in range(3):
            async with page_of(world) as page:
                await page.next("config")
        messages = [await refusal(world.server.url, {**SIGN_IN, "password": "wrong"}) for _ in range(3)]
        assert ["Too many requests" in message for message in messages] == [False, True, True]
        assert "Too many requests" in await refusal(world.server.url, SIGN_IN)


async def test_a_node_serves_a_limited_number_of_pages(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_namespace, "PAGES_MAX", 1)
    async with observed() as (_, world):
        async with page_of(world) as page:
            await page.next("config")
            assert "Too many pages" in await refusal(world.server.url, SIGN_IN)
        # Its place is free once it has left.
        async with page_of(world) as page:
            await page.next("config")


# --- what is shown --------------------------------------------------------------------------------------------------


async def talk(world: World) -> tuple[ChatClient, ChatClient, str]:
    conversation = await world.conversation("alice", "bob")
    return await world.connect("alice"), await world.connect("bob"), conversation


async def test_a_page_sees_sockets_rooms_and_events_but_no_content(observed: Observed) -> None:
    async with observed() as (_, world):
        alice, bob, conversation = await talk(world)
        async with page_of(world) as page:
            (config,) = await page.next("config")
            assert sorted(config["supportedFeatures"]) == ["AGGREGATED_EVENTS", "ALL_EVENTS"]
            (sockets,) = await page.next("all_sockets")
            shown = {socket["id"]: socket for socket in sockets}
            assert shown.keys() == {alice.socket_id, bob.socket_id, page.client.get_sid("/admin")}
            seen = shown[alice.socket_id]
            assert seen["data"] == {"userId": world.id_of("alice"), "role": "user", "dialect": "messenger"}
            assert (seen["nsp"], seen["transport"]) == ("/", "websocket")
            assert f"conversation:{conversation}" in seen["rooms"]
            assert "token" not in seen["handshake"]["query"]
            await alice.send_message(conversation, SECRET_TEXT)
            assert await page.next_event("event_received", alice.socket_id, "message:send") == ["message:send"]
            assert await page.next_event("event_sent", bob.socket_id, "message:new") == ["message:new"]
            other = await world.conversation("alice", "bob")
            await page.next("room_joined", "/", f"conversation:{other}", bob.socket_id)
            carol = await world.connect("carol")
            await carol.close()
            await bob.close()
            gone = await page.next("socket_disconnected", "/", bob.socket_id)
            assert gone[2] == "transport close"
            (stats,) = await page.next("server_stats")
            assert stats["clientsCount"] == 3
            assert {"name": "/admin", "socketsCount": 1} in stats["namespaces"]
            assert {each["type"] for each in stats["aggregatedEvents"]} <= {
                *("rawConnection", "rawDisconnection", "bytesIn", "bytesOut")
            }
            assert SECRET_TEXT not in str(page.seen)


async def test_the_detail_decides_what_is_shown(observed: Observed) -> None:
    async with observed(socketio_admin_detail="contents") as (_, world):
        alice, bob, conversation = await talk(world)
        async with page_of(world) as page:
            await page.next("all_sockets")
            await alice.send_message(conversation, SECRET_TEXT)
            received = await page.next_event("event_received", alice.socket_id, "message:send")
            assert received[1] == {"conversationId": conversation, "content": SECRET_TEXT}
            sent = await page.next_event("event_sent", bob.socket_id, "message:new")
            assert sent[1]["content"] == SECRET_TEXT
            await alice.send_message(conversation, "x" * 5000)
            while not any("bytesNotShown" in str(packet) for packet in page.seen):
                await page.reads_on()
            assert "x" * 100 not in str(page.seen)


@pytest.mark.parametrize(("detail", "hidden"), [("totals", {"all_sockets"}), ("sockets", set())])
async def test_less_detail_hides_events_and_sockets(observed: Observed, detail: str, hidden: set[str]) -> None:
    async with observed(socketio_admin_detail=detail) as (_, world):
        alice, _, conversation = await talk(world)
        async with page_of(world) as page:
            await page.next("config")
            await alice.send_message(conversation, SECRET_TEXT)
            await world.connect("carol")
            await page.reads_on()
            await page.reads_on()
            assert page.names().isdisjoint({"event_received", "event_sent", *hidden})
            assert ("socket_connected" in page.names()) == (detail == "sockets")


# --- what it costs --------------------------------------------------------------------------------------------------


async def test_what_a_page_does_not_fetch_is_bounded(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_watch, "EVENTS_MAX", 3)
    async with observed() as (node, world):
        alice, bob, conversation = await talk(world)
        assert isinstance(node.engine, ObservedServer)
        watch = node.engine.watch
        first = watch.news("a viewer", None)
        assert (first.complete, len(first.sockets)) == (True, 2)
        for number in range(4):
            await alice.send_message(conversation, str(number))
        await bob.call("ping")
        news = watch.news("a viewer", first.number)
        assert (news.complete, len(news.events)) == (False, 3)
        assert news.left_out >= 5  # of four sends and eight deliveries
        # A viewer whose answer was lost starts again.
        assert watch.news("a viewer", first.number).complete


async def test_only_some_sockets_and_rooms_are_shown_and_all_are_counted(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_watch, "SOCKETS_MAX", 1)
    monkeypatch.setattr(node_watch, "ROOMS_MAX", 2)
    async with observed() as (_, world):
        for _ in range(3):
            await world.conversation("alice", "bob")
        alice, bob, _ = await talk(world)
        async with page_of(world) as page:
            ((socket,),) = await page.next("all_sockets")
            assert (socket["id"], len(socket["rooms"])) == (alice.socket_id, 2)
            (stats,) = await page.next("server_stats")
            assert {"name": "/", "socketsCount": 2} in stats["namespaces"]
            await alice.close()
            (shown, _) = await page.next("socket_connected")
            assert shown["id"] == bob.socket_id


async def test_a_page_that_does_not_read_is_sent_nothing_and_later_all_sockets(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with observed() as (node, world), page_of(world) as page:
        await page.next("server_stats")
        with monkeypatch.context() as patched:
            patched.setattr(SocketConnection, "is_slow", lambda _: True)
            async with page_of(world) as other:
                await other.next("config")
                await world.connect("alice")
                namespace = node.engine.handler_of("/admin")
                assert isinstance(namespace, AdminNamespace)
                page.seen.clear()
                await namespace._send_news()
                await namespace._send_news()
                assert "socket_connected" not in page.names()
        (sockets,) = await page.next("all_sockets")
        assert world.id_of("alice") in str(sockets)


async def test_nothing_is_collected_once_the_pages_have_left(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_watch, "VIEWER_S", 0.05)
    monkeypatch.setattr(admin_namespace, "INTERVAL_S", 0.02)
    async with observed() as (node, world):
        async with page_of(world) as page:
            await page.next("all_sockets")
        namespace = node.engine.handler_of("/admin")
        assert isinstance(namespace, AdminNamespace)
        await world.connect("alice")
        await until(lambda: namespace._task is None and not namespace._watch._viewers)
        assert list(namespace._mirror.views()) == []


# --- commands -------------------------------------------------------------------------------------------------------


def commands(socket_id: str) -> list[tuple[object, ...]]:
    return [
        ("emit", "/", None, "announcement", {"text": "hello"}),
        ("join", "/", "watched", socket_id),
        ("leave", "/", "watched", socket_id),
        ("_disconnect", "/", True, socket_id),
    ]


async def test_without_the_setting_commands_change_nothing(observed: Observed) -> None:
    async with observed() as (_, world):
        alice, _, _ = await talk(world)
        async with page_of(world) as page:
            for command in commands(alice.socket_id):
                await page.sends(*command)
            await page.reads_on()
            assert [name for name, _ in await alice.pending() if name == "announcement"] == []
            assert page.names().isdisjoint({"room_joined", "socket_disconnected"})


async def test_with_control_a_page_sends_joins_and_disconnects(observed: Observed) -> None:
    async with observed(socketio_admin_control=True) as (_, world):
        alice, bob, _ = await talk(world)
        for client in (alice, bob):
            client.custom_events.add("announcement")
        async with page_of(world) as page:
            (config,) = await page.next("config")
            assert {"EMIT", "JOIN", "LEAVE", "DISCONNECT"} <= set(config["supportedFeatures"])
            await page.sends("join", "/", "watched", alice.socket_id)
            await page.next("room_joined", "/", "watched", alice.socket_id)
            await page.sends("emit", "/", "watched", "announcement", {"text": "hello"})
            assert await alice.next("announcement") == {"text": "hello"}
            assert await bob.pending("announcement") == []
            await page.sends("leave", "/", "watched", alice.socket_id)
            await page.next("room_left", "/", "watched", alice.socket_id)
            await page.sends("_disconnect", "/", False, alice.socket_id)
            await alice.wait_disconnected()
            gone = await page.next("socket_disconnected", "/", alice.socket_id)
            assert gone[2] == "server namespace disconnect"
            await page.sends("_disconnect", "/", True, bob.socket_id)
            await bob.wait_closed()


async def test_pages_cannot_touch_the_rooms_of_the_chat_or_break_the_server(observed: Observed) -> None:
    async with observed(socketio_admin_control=True) as (_, world):
        alice, bob, conversation = await talk(world)
        other = await world.conversation("alice")
        deep: list[Any] = []
        for _ in range(200):
            deep = [deep]
        async with page_of(world) as page:
            events: list[tuple[object, ...]] = [
                ("join", "/", f"conversation:{other}", bob.socket_id),
                ("leave", "/", f"conversation:{conversation}", bob.socket_id),
                ("join", "/", f"user:{world.id_of('alice')}", bob.socket_id),
                ("emit", "/admin", None, "all_sockets", []),
                ("join", "/admin", "room", None),
                ("emit", "/", None, "disconnect"),
                ("emit", "/", None, 7),
                ("emit", "/", {}, "x"),
                ("emit", "/", None),
                ("emit", "/", None, "deep", deep),
                ("emit",),
                ("join", "/", "x" * 10_000, bob.socket_id),
                ("_disconnect", ["/"], True, None),
                ("_disconnect", "/", True, 5),
                ("all_sockets", "/", []),
                ("__proto__", 1, 2),
            ]
            for event in events:
                await page.sends(*event)
            await page.reads_on()
            assert page.names().isdisjoint({"room_joined", "room_left", "socket_disconnected"})
            await alice.send_message(other, SECRET_TEXT)
            await alice.send_message(conversation, "still a member")
            contents = [message["content"] for _, message in await bob.pending("message:new")]
            assert contents == ["still a member"]
            await page.reads_on()
