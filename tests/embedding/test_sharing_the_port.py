"""An ASGI application and Talkwire on one port: which of them receives a request."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from talkwire import ApplicationFailed, Settings, SettingsError, Talkwire
from talkwire.testing import TemporaryServer, temporary_server
from tests.cli.processes import run_talkwire
from tests.embedding.conftest import Serve, request
from tests.python_socketio import python_client
from tests.waiting import DEADLINE_S, deadline


class Application:
    """A minimal ASGI application, which responds with the request that it received."""

    def __init__(self, *, starts: bool = True, lives: bool = True) -> None:
        self.life: list[str] = []
        self.chat: Talkwire | None = None
        self._starts = starts
        self._lives = lives

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        match scope["type"]:
            case "lifespan":
                await self._live(scope, receive, send)
            case "http":
                body = f"{scope['method']} {scope['path']} {scope['state'].get('mark')}".encode()
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": body})
            case "websocket":
                await self._echo(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        if not self._lives:
            raise RuntimeError("no lifespan here")
        assert (await receive())["type"] == "lifespan.startup"
        if not self._starts:
            await send({"type": "lifespan.startup.failed", "message": "no luck"})
            return
        scope["state"].update(mark="marked", bodiless=True)  # Talkwire's own routes use this key of the state
        await self._note("startup")
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        await self._note("shutdown")
        await send({"type": "lifespan.shutdown.complete"})

    async def _note(self, what: str) -> None:
        assert self.chat is not None
        self.life.append(f"{what}, {await self.chat.get_active_users_count()} users there")

    async def _echo(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/closed":
            await send({"type": "websocket.close", "code": 4001})
            return
        await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"{scope['path']}: {message['text']}"})


def _around(application: Application, **settings: Any) -> Talkwire:  # noqa: ANN401 (settings)
    application.chat = Talkwire(Settings(**settings), app=application)
    return application.chat


@pytest.fixture
def application() -> Application:
    return Application()


OURS = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/docs",
    "/docs/",
    "/docs/assets/swagger-ui.css",
    "/openapi.json",
    "/asyncapi.json",
    "/api/v1/conversations",
    "/api/v1/users/me",
    "/api/v1/messages/1/history",
    "/messages/1",
    "/api/v1/talks",
    "/chat-messages?chatId=1",
]
THEIRS = ["/", "/index.html", "/page.js", "/api/v1/orders", "/api/v1", "/socket.io/extra", "/healthz/more", "/chat"]


async def test_own_paths_are_served_and_others_forwarded(application: Application, serve: Serve) -> None:
    server = await serve(_around(application))
    for path in OURS:
        answer = await request(server, "GET", path)
        assert not answer.text.endswith(" marked"), path
        assert answer.status_code in {200, 401, 405}, path
    for path in THEIRS:
        answer = await request(server, "POST", path)
        assert answer.text == f"POST {path} marked"


async def test_routes_of_dialects_that_are_off_are_the_applications(application: Application, serve: Serve) -> None:
    server = await serve(_around(application, dialects=("messenger",)))
    for path in ("/api/v1/talks", "/chat-messages", "/api/gateway/connected"):
        assert (await request(server, "GET", path)).text == f"GET {path} marked"


async def test_with_a_prefix_paths_like_ours_are_the_applications(application: Application, serve: Serve) -> None:
    server = await serve(_around(application, prefix="/talk/wire"))
    for path in OURS:
        ours = await request(server, "GET", f"/talk/wire{path}")
        assert ours.status_code in {200, 401, 405}, path
        theirs = await request(server, "GET", path)
        assert theirs.text == f"GET {path.partition('?')[0]} marked"
    page = await request(server, "GET", "/talk/wire/docs")
    assert '"/talk/wire/docs/assets/swagger-ui-bundle.js"' in page.text
    description = (await request(server, "GET", "/talk/wire/openapi.json")).json()
    assert description["servers"] == [{"url": "/talk/wire"}]
    assert (await request(server, "GET", "/talk/wire/orders")).text == "GET /talk/wire/orders marked"
    assert (await request(server, "GET", "/talk/wirelike/healthz")).text == "GET /talk/wirelike/healthz marked"
    await _send_by_both_transports(server)


async def test_file_addresses_work_with_and_without_the_prefix(application: Application, serve: Serve) -> None:
    server = await serve(_around(application, prefix="/chat"))
    headers = server.headers("alice")
    uploaded = await request(
        server, "POST", "/chat/api/v1/files", files={"file": ("a b.txt", b"content")}, headers=headers
    )
    url = uploaded.json()["url"]
    for prefix in ("", "/chat"):
        assert (await request(server, "GET", f"{prefix}{url}", headers=headers)).content == b"content"


async def test_a_prefix_holds_for_a_server_alone_too(serve: Serve) -> None:
    server = await serve(Talkwire(Settings(prefix="/chat")))
    assert (await request(server, "GET", "/chat/healthz")).json() == {"status": "ok"}
    for path in ("/healthz", "/", "/embed.js"):
        assert (await request(server, "GET", path)).status_code == 404


@pytest.mark.parametrize("alone", [True, False])
async def test_the_web_client_is_below_the_prefix(application: Application, serve: Serve, alone: bool) -> None:  # noqa: FBT001 (a parameter)
    chat = Talkwire(Settings(prefix="/chat")) if alone else _around(application, prefix="/chat")
    server = await serve(chat)
    page = await request(server, "GET", "/chat/")
    assert (page.status_code, "<title>Talkwire</title>" in page.text) == (200, True)
    script = re.search(r'src="\./(page/[^"]+\.js)"', page.text)
    assert script is not None
    assert (await request(server, "GET", f"/chat/{script[1]}")).status_code == 200
    # The page's files have relative addresses.
    redirect = await request(server, "GET", "/chat?compact")
    assert (redirect.status_code, redirect.headers["location"]) == (308, "./chat/?compact")
    # And the page looks for Socket.IO beside itself.
    opened = await request(server, "GET", "/chat/socket.io/?EIO=4&transport=polling")
    assert opened.text.startswith('0{"sid"')


@pytest.mark.parametrize("prefix", ["chat", "/chat/", "/", "//", "/a b", "/{x}", "/..", "/chät"])
def test_a_prefix_is_a_plain_path(prefix: str) -> None:
    with pytest.raises(SettingsError, match="prefix: must begin with /"):
        Settings(prefix=prefix)


async def _send_by_both_transports(server: TemporaryServer) -> None:
    for transport in ("polling", "websocket"):
        async with python_client() as client:
            auth = {"token": server.token("alice")}
            await client.connect(server.url, auth=auth, transports=[transport], wait_timeout=DEADLINE_S)
            answer = await client.call("message:send", {"conversationId": "talk", "content": transport})
            assert answer["message"]["content"] == transport


async def test_socket_io_works_beside_an_application_by_both_transports(application: Application, serve: Serve) -> None:
    await _send_by_both_transports(await serve(_around(application)))


async def test_websockets_that_are_not_socket_ios_are_the_applications(application: Application, serve: Serve) -> None:
    server = await serve(_around(application))
    address = server.url.replace("http", "ws")
    async with server.client("alice") as alice:
        async with connect(f"{address}/feed?a=1", subprotocols=["v1"], proxy=None) as websocket:  # type: ignore[list-item]  # a NewType
            assert websocket.subprotocol == "v1"
            for text in ("one", "x" * 200_000, "three"):
                await websocket.send(text)
                async with deadline():
                    assert await websocket.recv() == f"/feed: {text}"
        assert (await alice.call("ping"))["success"]
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{address}/closed", proxy=None)
    assert refused.value.response.status_code == 403


async def test_without_an_application_other_websockets_are_refused(chat: Talkwire, serve: Serve) -> None:
    server = await serve(chat)
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{server.url.replace('http', 'ws')}/feed", proxy=None)
    assert refused.value.response.status_code == 404


async def test_open_websockets_of_the_application_do_not_keep_the_server_from_ending(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    async with temporary_server(_around(application)) as server:
        websocket = await connect(f"{server.url.replace('http', 'ws')}/feed", proxy=None)
    async with deadline():
        await websocket.wait_closed()
    assert websocket.close_code in {1001, 1012}
    assert "graceful shutdown exceeded" not in caplog.text


async def test_the_applications_lifespan_is_within_talkwires(application: Application) -> None:
    chat = _around(application)
    for _ in range(2):
        async with temporary_server(chat) as server, server.client("alice") as alice:
            await alice.call("ping")
    assert application.life == ["startup, 0 users there", "shutdown, 0 users there"] * 2


async def test_nothing_starts_if_the_application_fails() -> None:
    chat = _around(Application(starts=False))
    with pytest.raises(ApplicationFailed):
        async with temporary_server(chat):
            pytest.fail("it must not start")
    with pytest.raises(RuntimeError, match="Talkwire is not running"):
        await chat.get_active_users()


async def test_an_application_without_a_lifespan_is_served(serve: Serve) -> None:
    server = await serve(_around(Application(lives=False)))
    assert (await request(server, "GET", "/")).text == "GET / None"


async def test_the_command_line_reaches_a_server_beside_an_application(
    application: Application, tmp_path: Path
) -> None:
    chat = _around(application, data=tmp_path / "data", prefix="/chat")
    async with chat.serving(port=0):
        command = ("user", "list", "--data", str(tmp_path / "data"))
        answer = await asyncio.to_thread(run_talkwire, *command, cwd=tmp_path)
    assert answer.exit_code == 0, answer
