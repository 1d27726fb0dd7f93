"""Serves the chat as an ASGI application, for programs whose port belongs to another server (uvicorn, gunicorn,
Hypercorn …).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError
from uvicorn import Config
from uvicorn.lifespan.on import LifespanOn

from talkwire.api.http.errors import STATUS, error_body
from talkwire.api.site import OUTER
from talkwire.app import AsgiApp, Node
from talkwire.asgi import Receive, Send
from talkwire.core.domain.errors import ChatError
from talkwire.datafolder import DataFolderError, FolderInUse
from talkwire.identity.address import is_loopback
from talkwire.observability.log_rate_limit import LogRateLimit
from talkwire.realtime.serving.server import ApplicationFailed
from talkwire.realtime.transport.asgi_websocket import REFUSAL_EXTENSION, AsgiWebSockets
from talkwire.running import run_attached

NOT_RUNNING = (
    "Talkwire is not running. Serve the Talkwire object itself (`uvicorn shop:chat`), give your application its "
    "lifespan (`FastAPI(lifespan=chat.lifespan)`), or call `chat.run()` or `chat.serving()`. An ASGI server without "
    "lifespan, such as Daphne, cannot run it."
)

LOCAL_ONLY = (
    "Development sign-in lets anyone sign in as any user, so only requests from this machine are served: make the "
    "server listen on 127.0.0.1, or use signed tokens and turn `insecure_dev_auth` and `demo` off."
)

ONE_PROCESS = "SQLite supports one process: run one worker, or set `database` to PostgreSQL to run several"

_NOT_FOUND = ChatError("not_found", "No route has this path.")
_POLICY_VIOLATION = 1008

_logger = structlog.get_logger(__name__)


class AsgiChat:
    """An ASGI application that serves a node inside another ASGI server (uvicorn, for example).

    Requests that are not for the chat are passed to `application`.
    """

    def __init__(self, node: Node, websockets: AsgiWebSockets, application: AsgiApp | None) -> None:
        self._node = node
        self._websockets = websockets
        self._application = application
        self._is_announced = False
        self._local_only = node.settings.insecure_dev_auth
        self._refusals = LogRateLimit(1)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        if OUTER in scope:
            # The chat has passed this request on to `application`, which mounts the chat and passed it back.
            await _refuse(scope, receive, send, _NOT_FOUND)
            return
        own = _below_root(scope)
        if self._local_only and not _is_local(scope) and self._node.serves(own["path"]):
            self._log_refusal(scope)
            await _refuse(scope, receive, send, ChatError("forbidden", LOCAL_ONLY, cause="server_policy"))
        elif own["type"] == "http":
            self._announce(scope)
            await self._node.app(own, receive, send)
        elif self._node.engine.serves(own["path"]):
            await self._websockets(own, receive, send)
        elif self._application is not None:
            await self._application({**scope, OUTER: scope}, receive, send)
        else:
            await _refuse(scope, receive, send, _NOT_FOUND)

    def _announce(self, scope: Mapping[str, Any]) -> None:
        """Writes the server's URL into the data folder, so that command-line tools can find the server. `scope` is that
        of a request, which reveals the URL. Does nothing if the URL was written already or the scope lacks it.
        """
        server = scope.get("server")
        if self._is_announced or scope.get("root_path") or not server or server[1] is None:
            return
        self._is_announced = True
        host, port = server
        self._node.announce_url(f"{scope.get('scheme', 'http')}://{f'[{host}]' if ':' in host else host}:{port}")

    def _log_refusal(self, scope: Mapping[str, Any]) -> None:
        suppressed = self._refusals.take(time.monotonic())
        if suppressed is not None:
            server, client = scope.get("server"), scope.get("client")
            _logger.warning("request_refused", reason=LOCAL_ONLY, server=server, client=client, suppressed=suppressed)


async def _refuse(scope: Mapping[str, Any], receive: Receive, send: Send, refusal: ChatError) -> None:
    """Refuses a request with an HTTP error response.

    A WebSocket gets the response only if the ASGI server supports that; otherwise it is closed before it opens, which
    the client sees as status 403.
    """
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
    """Returns whether a request comes from this machine, according to the addresses that the server reports. A Unix
    socket has no port and counts as local."""
    server, client = scope.get("server"), scope.get("client")
    if server and server[1] is not None and not is_loopback(server[0]):
        return False
    return client is not None and is_loopback(client[0])


def _below_root(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an ASGI scope in which the path is relative to `root_path`, as Talkwire's own server would pass it."""
    root, path = scope.get("root_path", ""), scope["path"]
    raw_path = scope.get("raw_path") or quote(path, safe="/%:@!$&'()*+,;=~").encode()
    if root and (path == root or path.startswith(f"{root}/")):
        raw_root = root.encode() if raw_path.startswith(root.encode()) else quote(root).encode()
        path, raw_path = path[len(root) :] or "/", raw_path.removeprefix(raw_root) or b"/"
    # The application's scope has its own `state`, so the outer scope is kept.
    return {**scope, "path": path, "raw_path": raw_path, "root_path": "", OUTER: scope}


@contextlib.asynccontextmanager
async def running(node: Node, application: AsgiApp | None) -> AsyncIterator[AsgiChat]:
    """Runs the node until the block ends, and yields the ASGI application that serves it.

    Raises the same errors as `Node.start`.
    """
    async with run_attached(node) as websockets:
        yield AsgiChat(node, websockets, application)


async def serve_lifespan(
    start: Callable[[], contextlib.AbstractAsyncContextManager[None]],
    application: AsgiApp | None,
    scope: Mapping[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    """Handles the ASGI scope `lifespan`: starts the chat (by entering `start()`) and then the application, and stops
    them in reverse order. Returns when both have stopped. Reports errors to the ASGI server instead of raising them.
    """
    await receive()
    started = False
    try:
        async with start(), _application_running(application, scope):
            started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except Exception as error:  # noqa: BLE001 (reported to the server, which then exits)
        kind = "shutdown" if started else "startup"
        _log_failure(kind, error)
        await send({"type": f"lifespan.{kind}.failed", "message": _explained(error)})
    else:
        await send({"type": "lifespan.shutdown.complete"})


@contextlib.asynccontextmanager
async def _application_running(application: AsgiApp | None, scope: Mapping[str, Any]) -> AsyncIterator[None]:
    """Runs the ASGI lifespan of `application`, if it has one, until the block ends.

    Raises ApplicationFailed if the application does not start.
    """
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


def _log_failure(phase: str, error: Exception) -> None:
    if isinstance(error, (DataFolderError, OSError, SQLAlchemyError, ApplicationFailed)):
        _logger.error("lifespan_failed", phase=phase, reason=_explained(error))
    else:
        _logger.error("lifespan_failed", phase=phase, exc_info=error)


def _explained(error: Exception) -> str:
    """Returns the first line of an error's text for operators; for a data folder in use, with advice."""
    text = str(error).strip().partition("\n")[0]
    return f"{text}: {ONE_PROCESS}" if isinstance(error, FolderInUse) else text
