"""The chat as an ASGI application, for programs whose own server (uvicorn, gunicorn, Hypercorn …) owns the port."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError
from uvicorn import Config
from uvicorn.lifespan.on import LifespanOn

from talkwire.api.http.errors import STATUS, error_body
from talkwire.api.http.own_paths import OUTER
from talkwire.app import AsgiApp, Node
from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.log_rate_limit import LogRateLimit
from talkwire.datafolder import DataFolderError, FolderInUse
from talkwire.identity.address import is_loopback
from talkwire.realtime.serving.server import ApplicationFailed
from talkwire.realtime.transport.asgi_websocket import REFUSAL_EXTENSION, AsgiWebSockets

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

NOT_RUNNING = (
    "Talkwire is not running. Serve the Talkwire object itself (`uvicorn shop:chat`), give your application its "
    "lifespan (`FastAPI(lifespan=chat.lifespan)`), or call `chat.run()` or `chat.serving()`."
)

LOCAL_ONLY = (
    "Development sign-in lets everybody in as anybody, so this chat serves only its own machine: have the server "
    "listen on 127.0.0.1, or sign tokens and turn `insecure_dev_auth` and `demo` off."
)

ONE_PROCESS = "on SQLite a chat has one process: run one worker, or set `database` to PostgreSQL and run many"

_NOTHING_HERE = ChatError("not_found", "There is nothing here.")
_POLICY_VIOLATION = 1008

_logger = structlog.get_logger(__name__)


class AsgiChat:
    """A node that another ASGI server serves. `application` gets what is not the chat's."""

    def __init__(self, node: Node, websockets: AsgiWebSockets, application: AsgiApp | None) -> None:
        self._node = node
        self._websockets = websockets
        self._application = application
        self._is_announced = False
        self._local_only = node.settings.insecure_dev_auth
        self._refusals = LogRateLimit(1)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        if OUTER in scope:
            # An application that has the chat mounted and is beside it, too.
            await _refuse(scope, receive, send, _NOTHING_HERE)
            return
        own = _below_root(scope)
        if self._local_only and not _is_local(scope) and self._node.serves(own["path"]):
            self._log_refusal(scope)
            await _refuse(scope, receive, send, ChatError("forbidden", LOCAL_ONLY))
        elif own["type"] == "http":
            self._announce(scope)
            await self._node.app(own, receive, send)
        elif self._node.engine.serves(own["path"]):
            await self._websockets(own, receive, send)
        elif self._application is not None:
            await self._application({**scope, OUTER: scope}, receive, send)
        else:
            await _refuse(scope, receive, send, _NOTHING_HERE)

    def _announce(self, scope: Mapping[str, Any]) -> None:
        """Lets commands of this machine find the server, once a request shows where that is."""
        server = scope.get("server")
        if self._is_announced or scope.get("root_path") or not server or server[1] is None:
            return
        self._is_announced = True
        host, port = server
        self._node.is_reached_at(f"{scope.get('scheme', 'http')}://{f'[{host}]' if ':' in host else host}:{port}")

    def _log_refusal(self, scope: Mapping[str, Any]) -> None:
        suppressed = self._refusals.take(time.monotonic())
        if suppressed is not None:
            server, client = scope.get("server"), scope.get("client")
            _logger.warning("request refused", reason=LOCAL_ONLY, server=server, client=client, suppressed=suppressed)


async def _refuse(scope: Mapping[str, Any], receive: Receive, send: Send, refusal: ChatError) -> None:
    """Answers in HTTP, where the ASGI server can; a WebSocket that is closed before it opens is 403 to its client."""
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        if REFUSAL_EXTENSION not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        kind = REFUSAL_EXTENSION
    body = msgspec.json.encode(error_body(refusal))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": f"{kind}.start", "status": STATUS[refusal.code], "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


def _is_local(scope: Mapping[str, Any]) -> bool:
    """Whether a request was made on this machine, as far as the server says where it came from and to. A Unix socket
    has no port."""
    server, client = scope.get("server"), scope.get("client")
    if server and server[1] is not None and not is_loopback(server[0]):
        return False
    return client is not None and is_loopback(client[0])


def _below_root(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the scope of a request with its path below `root_path`, as our own server would have it."""
    root, path = scope.get("root_path", ""), scope["path"]
    raw_path = scope.get("raw_path") or quote(path, safe="/%:@!$&'()*+,;=~").encode()
    if root and (path == root or path.startswith(f"{root}/")):
        raw_root = root.encode() if raw_path.startswith(root.encode()) else quote(root).encode()
        path, raw_path = path[len(root) :] or "/", raw_path.removeprefix(raw_root) or b"/"
    # The state is the application's.
    return {**scope, "path": path, "raw_path": raw_path, "root_path": "", OUTER: scope}


@contextlib.asynccontextmanager
async def running(node: Node, application: AsgiApp | None) -> AsyncIterator[AsgiChat]:
    """Runs the chat until the block ends. Raises as `Node.start`."""
    async with node.attached() as websockets:
        yield AsgiChat(node, websockets, application)


async def serve_lifespan(
    start: Callable[[], contextlib.AbstractAsyncContextManager[None]],
    application: AsgiApp | None,
    scope: Mapping[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    """Answers the scope `lifespan`: the chat starts before the application beside it, and stops after it."""
    await receive()
    started = False
    try:
        async with start(), _application_running(application, scope):
            started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except Exception as error:  # noqa: BLE001 (told to the server, which ends)
        kind = "shutdown" if started else "startup"
        _log_failure(f"the chat failed at its {kind}", error)
        await send({"type": f"lifespan.{kind}.failed", "message": _explained(error)})
    else:
        await send({"type": "lifespan.shutdown.complete"})


@contextlib.asynccontextmanager
async def _application_running(application: AsgiApp | None, scope: Mapping[str, Any]) -> AsyncIterator[None]:
    """Runs an application's lifespan, if it has one. Raises ApplicationFailed."""
    if application is None:
        yield
        return
    lifespan = LifespanOn(Config(application, log_config=None, lifespan="auto"))
    await lifespan.startup()
    if lifespan.should_exit:
        raise ApplicationFailed("the application beside Talkwire did not start")
    scope.get("state", {}).update(lifespan.state)
    try:
        yield
    finally:
        await lifespan.shutdown()


def _log_failure(event: str, error: Exception) -> None:
    if isinstance(error, (DataFolderError, OSError, SQLAlchemyError, ApplicationFailed)):
        _logger.error(event, reason=_explained(error))
    else:
        _logger.error(event, exc_info=error)


def _explained(error: Exception) -> str:
    """Returns one line for an operator."""
    text = str(error).strip().partition("\n")[0]
    return f"{text}: {ONE_PROCESS}" if isinstance(error, FolderInUse) else text
