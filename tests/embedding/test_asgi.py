"""The chat as an ASGI application. The tests play the ASGI server; tests/clients/test_chat_clients.py uses uvicorn and
the official clients."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.routing import Mount

from talkwire import Settings, Talkwire
from talkwire.datafolder import FolderLock
from talkwire.embedding.application import UNUSED_WARNING_S
from talkwire.identity.issuer import TokenIssuer
from talkwire.realtime.engine.connection import UNSENT_MAX
from tests.bus.networks import let_answers_take_long
from tests.databases import Database, let_nodes_pause
from tests.realtime.linked import let_nodes_connect_late
from tests.waiting import DEADLINE_S, deadline, until

SECRET = "a secret for tests, of more than 32 characters"
UNBRANDED = {"oidc": None, "name": "Talkwire", "description": None, "logo": None}


def token(user_id: str = "alice") -> str:
    return TokenIssuer(SECRET).issue(user_id, ttl_s=600)


def bearer(user_id: str = "alice") -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user_id)}"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", jwt_secret=SECRET, rate_limits=False)


@asynccontextmanager
async def client_of(app: Any, **options: Any) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ANN401 (ASGI)
    transport = httpx.ASGITransport(app, **options)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000", headers=bearer()) as client:
        yield client


class Socket:
    """A WebSocket connection to the application, played by the test as the ASGI server."""

    def __init__(self, app: Any, query: str = "EIO=4&transport=websocket", **scope: Any) -> None:  # noqa: ANN401
        self._app = app
        self._scope = {
            "type": "websocket",
            "path": "/socket.io/",
            "raw_path": b"/socket.io/",
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost:3000")],
            "client": ("127.0.0.1", 40000),
            "subprotocols": [],
            **scope,
        }
        self.to_app: asyncio.Queue[Any] = asyncio.Queue()
        self.from_app: asyncio.Queue[Any] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()

    async def _send(self, message: Any) -> None:  # noqa: ANN401 (ASGI)
        await self.reads.wait()
        self.from_app.put_nowait(message)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Socket]:
        self.task = asyncio.create_task(self._app(self._scope, self.to_app.get, self._send))
        self.to_app.put_nowait({"type": "websocket.connect"})
        try:
            yield self
        finally:
            self.to_app.put_nowait({"type": "websocket.disconnect", "code": 1005})
            self.reads.set()
            await asyncio.wait_for(self.task, DEADLINE_S)

    async def next(self) -> Any:  # noqa: ANN401 (ASGI)
        return await asyncio.wait_for(self.from_app.get(), DEADLINE_S)

    async def text(self) -> str:
        """Returns the next text frame that the application sends."""
        message = await self.next()
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    def send(self, text: str) -> None:
        self.to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def sign_in(self, user_id: str = "alice") -> None:
        assert (await self.next())["type"] == "websocket.accept"
        assert (await self.text()).startswith("0{")
        self.send("40" + json.dumps({"token": token(user_id)}))
        while not (await self.text()).startswith('42["connected"'):
            pass


# --- HTTP -----------------------------------------------------------------------------------------------------------


async def test_rest_files_and_documents_are_served(settings: Settings) -> None:
    chat = Talkwire(settings)
    data = os.urandom(3_000_000)
    async with chat.lifespan(), client_of(chat) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get("/api/v1/conversations")).json()["items"] == []
        sent = await client.post("/api/v1/files", files={"file": ("a.bin", data)})
        assert (await client.get(sent.json()["url"])).content == data
        opened = await client.get("/socket.io/?EIO=4&transport=polling")
        assert opened.text.startswith('0{"sid"')
        assert (await client.get("/nowhere")).status_code == 404


async def test_the_clients_address_is_taken_from_the_scope(settings: Settings) -> None:
    chat = Talkwire(replace(settings, trusted_proxies=("10.0.0.1",)))
    async with chat.lifespan():
        for peer, forwarded_for, expected in (
            ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ):
            socket = Socket(
                chat, client=(peer, 1), headers=[(b"host", b"x"), (b"x-forwarded-for", forwarded_for.encode())]
            )
            async with socket.opened():
                await socket.sign_in()
                (connection,) = chat._node.engine.connections
                assert connection.handshake.address == expected


@pytest.mark.parametrize("path", ["/inside/api/v1/conversations", "/inside/socket.io/?EIO=4&transport=polling"])
async def test_paths_are_those_below_the_root_path(settings: Settings, path: str) -> None:
    chat = Talkwire(settings)
    async with chat.lifespan(), client_of(chat, root_path="/inside") as client:
        assert (await client.get(path)).status_code == 200


async def test_an_application_beside_sees_the_scope_as_it_was(settings: Settings) -> None:
    app = FastAPI()

    @app.get("/own")
    async def own() -> dict[str, int]:
        return {"users": await chat.get_active_users_count()}

    @app.websocket("/prices")
    async def prices(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("3.50")

    chat = Talkwire(settings, app=app)
    async with chat.lifespan():
        async with client_of(chat) as client, client_of(chat, root_path="/inside") as inside:
            assert (await client.get("/own")).json() == {"users": 0}
            assert (await inside.get("/inside/own")).json() == {"users": 0}
            assert (await client.get("/nowhere")).json() == {"detail": "Not Found"}
        socket = Socket(chat, path="/prices", raw_path=b"/prices")
        async with socket.opened():
            assert (await socket.next())["type"] == "websocket.accept"
            assert await socket.text() == "3.50"


async def test_an_application_mounts_the_chat(settings: Settings) -> None:
    chat = Talkwire(settings)
    app = FastAPI(lifespan=chat.lifespan)

    @app.get("/own")
    async def own() -> int:
        return await chat.send_to_user("alice", "alert", {})

    app.mount("/", chat)
    elsewhere = Talkwire(replace(settings, data=settings.data.with_name("other")))
    inside = Starlette(routes=[Mount("/inside", elsewhere)], lifespan=elsewhere.lifespan)
    async with app.router.lifespan_context(app), inside.router.lifespan_context(inside):
        async with client_of(app) as client, client_of(inside) as other:
            assert (await client.get("/own")).json() == 0
            assert (await client.get("/api/v1/conversations")).status_code == 200
            assert (await other.get("/inside/api/v1/conversations")).status_code == 200
            assert "<title>Talkwire</title>" in (await other.get("/inside/")).text
        socket = Socket(inside, path="/inside/socket.io/", raw_path=b"/inside/socket.io/")
        async with socket.opened():
            await socket.sign_in()


async def test_mounting_the_chat_in_its_own_application_does_not_loop(settings: Settings) -> None:
    app = FastAPI()
    chat = Talkwire(settings, app=app)
    app.mount("/", chat)
    async with chat.lifespan(), client_of(chat) as client:
        assert (await client.get("/nowhere")).status_code == 404


# --- access policy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "accounts"), [({}, "invite"), ({"accounts": "open"}, "open"), ({"demo": True}, "open")]
)
async def test_accounts_need_an_invitation_where_another_server_has_the_address(
    tmp_path: Path, given: dict[str, Any], accounts: str
) -> None:
    chat = Talkwire(Settings(data=tmp_path / "data", **given))
    account = {"email": "eve@example.com", "password": "correct horse", "name": "Eve"}
    async with chat.lifespan(), client_of(chat) as client:
        server = (await client.get("/api/v1/server", headers={"authorization": ""})).json()
        offers = {"offers": given.get("demo", False), "offerCurrency": "EUR"}
        assert server == {"accounts": accounts, "webSignIn": "account", "embedOrigins": [], **UNBRANDED, **offers}
        registered = await client.post("/api/v1/auth/register", json=account)
        assert registered.status_code == (403 if accounts == "invite" else 201)


HERE, ELSEWHERE = ("127.0.0.1", 3000), ("192.0.2.7", 3000)


@pytest.mark.parametrize(
    ("addresses", "status"),
    [
        ({"server": HERE, "client": HERE}, 200),
        ({"server": ("::1", 3000), "client": ("::ffff:127.0.0.1", 40000)}, 200),
        ({"server": None, "client": HERE}, 200),
        ({"server": ("/run/chat.sock", None), "client": HERE}, 200),
        ({"server": ELSEWHERE, "client": HERE}, 403),
        ({"server": HERE, "client": ELSEWHERE}, 403),
        ({"server": None, "client": ELSEWHERE}, 403),
        ({"server": ("/run/chat.sock", None), "client": None}, 403),
        ({"server": None, "client": None}, 403),
        ({}, 403),
    ],
)
async def test_development_sign_in_serves_this_machine_only(
    developing: Talkwire, addresses: dict[str, Any], status: int
) -> None:
    def from_there(scope: Any, receive: Any, send: Any) -> Any:  # noqa: ANN401 (ASGI)
        kept = {key: value for key, value in scope.items() if key not in {"server", "client"}}
        return developing({**kept, **addresses}, receive, send)

    async with client_of(from_there) as client:
        paths = "/api/v1/users/me?userId=alice", "/socket.io/?EIO=4&transport=polling"
        answers = [await client.get(path, headers={"authorization": ""}) for path in paths]
        assert [answer.status_code for answer in answers] == [status, status]
        assert [("127.0.0.1" in answer.text) for answer in answers] == [status == 403] * 2
        assert (await client.get("/own")).json() == "ours"
    socket = Socket(from_there)
    async with socket.opened():
        assert (await socket.next())["type"] == ("websocket.accept" if status == 200 else "websocket.close")
    if status == 403:
        async with Socket(from_there, extensions={"websocket.http.response": {}}).opened() as refused:
            assert (await refused.next())["status"] == 403
            assert b"127.0.0.1" in (await refused.next())["body"]


@pytest.fixture
async def developing(tmp_path: Path) -> AsyncIterator[Talkwire]:
    """A chat with development sign-in, which accepts any user id, with an application beside it."""
    app = FastAPI()

    @app.get("/own")
    def own() -> str:
        return "ours"

    chat = Talkwire(Settings(data=tmp_path / "data", insecure_dev_auth=True, rate_limits=False), app=app)
    async with chat.lifespan():
        yield chat


# --- WebSockets -----------------------------------------------------------------------------------------------------


async def test_a_client_chats(settings: Settings) -> None:
    chat = Talkwire(settings)

    @chat.on("echo")
    def echo(socket: object, data: object) -> object:
        return data

    async with chat.lifespan():
        socket = Socket(chat)
        async with socket.opened():
            await socket.sign_in()
            socket.send('421["echo",{"n":1}]')
            assert await socket.text() == '431[{"n":1}]'
            assert await chat.send_to_user("alice", "alert", {"a": 1}) == 1
            assert await socket.text() == '42["alert",{"a":1}]'
        assert chat._node.engine.connections == []


async def test_a_refused_handshake_is_answered_in_http_where_the_server_can(settings: Settings) -> None:
    chat = Talkwire(settings)
    foreign = [(b"host", b"localhost:3000"), (b"origin", b"https://evil.example")]
    async with chat.lifespan():
        async with Socket(chat, headers=foreign, extensions={"websocket.http.response": {}}).opened() as socket:
            assert (await socket.next())["status"] == 403
            assert b"Forbidden" in (await socket.next())["body"]
        async with Socket(chat, headers=foreign).opened() as socket:
            assert (await socket.next())["type"] == "websocket.close"
        async with Socket(chat, query="EIO=4&transport=websocket&sid=unknown").opened() as socket:
            assert (await socket.next())["type"] == "websocket.close"
        async with Socket(chat, path="/elsewhere", raw_path=b"/elsewhere").opened() as socket:
            assert (await socket.next())["type"] == "websocket.close"


async def test_a_message_over_the_limit_closes_the_connection(settings: Settings) -> None:
    chat = Talkwire(settings)
    async with chat.lifespan(), Socket(chat).opened() as socket:
        await socket.sign_in()
        socket.send("4" + "x" * settings.max_payload)
        assert (await socket.next()) == {"type": "websocket.close", "code": 1009}


async def test_a_client_that_does_not_read_is_cut_off(settings: Settings) -> None:
    chat = Talkwire(settings)
    async with chat.lifespan(), Socket(chat).opened() as socket:
        await socket.sign_in()
        socket.reads.clear()
        sent = 0
        async with deadline():
            while chat._node.engine.connections:
                await chat.send_to_user("alice", "alert", "x" * 60_000)
                await asyncio.sleep(0)  # output is sent at the end of the event loop's turn
                sent += 60_000
        assert sent < UNSENT_MAX * 3
        await asyncio.wait_for(socket.task, DEADLINE_S)


async def test_stopping_closes_sockets_and_answers_polls(settings: Settings) -> None:
    chat = Talkwire(settings)
    async with AsyncExitStack() as clients:
        async with chat.lifespan():
            client = await clients.enter_async_context(client_of(chat))
            opened = await clients.enter_async_context(Socket(chat).opened())
            await opened.sign_in()
            sid = json.loads((await client.get("/socket.io/?EIO=4&transport=polling")).text[1:])["sid"]
            poll = asyncio.create_task(client.get(f"/socket.io/?EIO=4&transport=polling&sid={sid}"))
            await until(lambda: any(each.session.poll_pending for each in chat._node.engine.connections))
        assert (await poll).text == "1"
        while (message := await opened.next())["type"] != "websocket.close":
            pass
        assert message["code"] == 1001


async def test_an_upgrade_at_another_node_is_forwarded(
    settings: Settings, postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_nodes_pause(monkeypatch)
    let_nodes_connect_late(monkeypatch)
    let_answers_take_long(monkeypatch)
    url = postgresql_database.url.render_as_string(hide_password=False)
    here, there = (
        Talkwire(replace(settings, data=settings.data.with_name(name), database=url)) for name in ("here", "there")
    )
    async with here.lifespan(), there.lifespan(), client_of(here) as client:
        sid = json.loads((await client.get("/socket.io/?EIO=4&transport=polling")).text[1:])["sid"]
        socket = Socket(there, query=f"EIO=4&transport=websocket&sid={sid}")
        async with socket.opened():
            assert (await socket.next())["type"] == "websocket.accept"
            socket.send("2probe")
            assert await socket.text() == "3probe"
            socket.send("5")
            socket.send("40" + json.dumps({"token": token()}))
            while not (await socket.text()).startswith('42["connected"'):
                pass
            assert await there.send_to_user("alice", "alert", {}) == 1
            assert await socket.text() == '42["alert",{}]'
        await until(lambda: not here._node.engine.connections)  # another node has to receive it
        foreign = [(b"host", b"localhost:3000"), (b"origin", b"https://evil.example")]
        async with Socket(there, query=f"EIO=4&transport=websocket&sid={sid}", headers=foreign).opened() as refused:
            assert (await refused.next())["type"] == "websocket.close"


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_invitations_link_has_the_servers_scheme(settings: Settings, scheme: str) -> None:
    chat = Talkwire(settings)
    headers = {"Authorization": f"Bearer {TokenIssuer(SECRET).issue('backend', role='service', ttl_s=600)}"}
    async with chat.lifespan(), client_of(chat) as client:
        answer = await client.post(f"{scheme}://chat.example/api/v1/invitations", headers=headers, json={})
    assert answer.status_code == 201, answer.text
    assert answer.json()["url"].startswith(f"{scheme}://chat.example/#invite=")


@pytest.mark.parametrize(
    ("scheme", "page", "is_allowed"),
    [
        ("http", "http://chat.example", True),
        ("http", "https://chat.example", True),
        ("https", "http://chat.example", False),
        ("https", "https://chat.example", True),
    ],
)
async def test_over_tls_a_page_without_tls_is_another_origin(
    settings: Settings, scheme: str, page: str, *, is_allowed: bool
) -> None:
    chat = Talkwire(settings)
    site = f"{scheme}://chat.example"
    seen = page if is_allowed else None
    async with chat.lifespan(), client_of(chat) as client:
        rest = await client.get(f"{site}/api/v1/conversations", headers={"Origin": page})
        assert rest.headers.get("access-control-allow-origin") == seen
        polled = await client.get(f"{site}/socket.io/?EIO=4&transport=polling", headers={"Origin": page})
        assert polled.status_code == (200 if is_allowed else 403)
        assert polled.headers.get("access-control-allow-origin") == seen
        asked = await client.options(f"{site}/socket.io/?EIO=4&transport=polling", headers={"Origin": page})
        assert asked.headers.get("access-control-allow-origin") == seen
        headers = [(b"host", b"chat.example"), (b"origin", page.encode())]
        websocket_scheme = scheme.replace("http", "ws")
        async with Socket(chat, scheme=websocket_scheme, headers=headers).opened() as socket:
            first = await socket.next()
    assert first["type"] == ("websocket.accept" if is_allowed else "websocket.close")


# --- starting and stopping ------------------------------------------------------------------------------------------


async def lifespan_of(app: Any) -> tuple[asyncio.Queue[Any], asyncio.Queue[Any], asyncio.Task[None]]:  # noqa: ANN401
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {}, "state": {}}, to_app.get, from_app.put))
    to_app.put_nowait({"type": "lifespan.startup"})
    return to_app, from_app, task


async def test_the_lifespan_of_the_application_is_within_the_chats(settings: Settings) -> None:
    happened: list[object] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        happened.append(await chat.get_active_users())
        yield
        happened.append(await chat.get_active_users())

    chat = Talkwire(settings, app=FastAPI(lifespan=lifespan))
    to_app, from_app, task = await lifespan_of(chat)
    assert await from_app.get() == {"type": "lifespan.startup.complete"}
    assert happened == [[]]
    to_app.put_nowait({"type": "lifespan.shutdown"})
    assert await from_app.get() == {"type": "lifespan.shutdown.complete"}
    assert happened == [[], []]
    await task


async def test_a_second_process_on_sqlite_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire = FolderLock.acquire
    monkeypatch.setattr(FolderLock, "acquire", lambda path: acquire(path, wait_s=0.1))
    async with Talkwire(settings).lifespan():
        _, from_app, task = await lifespan_of(Talkwire(settings))
        answer = await from_app.get()
        await task
    assert answer["type"] == "lifespan.startup.failed"
    assert "SQLite supports one process: run one worker" in answer["message"]


async def test_the_chat_does_not_start_if_the_application_fails(settings: Settings) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if settings.data.exists():
            raise OSError("no shop today")
        yield

    chat = Talkwire(settings, app=FastAPI(lifespan=lifespan))
    _, from_app, task = await lifespan_of(chat)
    assert (await from_app.get())["type"] == "lifespan.startup.failed"
    await task
    async with chat.lifespan():  # the failed start left nothing running
        pass


async def test_an_error_for_a_stopped_chat_explains_how_to_run_it(settings: Settings) -> None:
    chat = Talkwire(settings)
    with pytest.raises(RuntimeError, match="uvicorn shop:chat"):
        await chat.send_to_user("alice", "alert", {})
    async with client_of(chat) as client:
        with pytest.raises(RuntimeError, match=r"lifespan=chat\.lifespan"):
            await client.get("/healthz")


@pytest.mark.parametrize("program", ["/usr/bin/uvicorn", "/lib/uvicorn/__main__.py"])
async def test_a_program_whose_server_does_not_serve_its_chat_is_warned_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, program: str
) -> None:
    timers: list[threading.Timer] = []

    class Timer(threading.Timer):
        def start(self) -> None:
            timers.append(self)

    monkeypatch.setattr(threading, "Timer", Timer)
    monkeypatch.setattr(sys, "argv", [program])
    used, unused = Talkwire(settings), Talkwire(replace(settings, data=settings.data.with_name("other")))
    async with used.lifespan():
        for timer in timers:
            assert timer.interval == UNUSED_WARNING_S
            timer.function(*timer.args)
    warnings = [record for record in caplog.records if "not_served" in record.getMessage()]
    assert len(warnings) == 1
    assert warnings[0].levelno == logging.WARNING
    assert unused is not None
