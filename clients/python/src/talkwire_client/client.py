"""The `Talkwire` class: a client for one server that acts as one user, or as the application's back end."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from talkwire_client.agents.calls import TurnCalls
from talkwire_client.api import FOR_EVER_S, Api, Request, json_of, rooted, without_none
from talkwire_client.cards import CardCalls
from talkwire_client.conversations import PAGE, ConversationCalls
from talkwire_client.desk import DeskCalls
from talkwire_client.errors import TalkwireError
from talkwire_client.live import LiveConnection, SignalStream
from talkwire_client.payloads import Conversation, Sync
from talkwire_client.streams import EventFilter, EventStream, LogSource, SyncSource
from talkwire_client.tokens import Token, TokenSource, claims_of
from talkwire_client.users import UserCalls

READERS_OF_THE_LOG = frozenset({"service", "admin"})
"""Roles that receive all events of the server."""


@dataclass(frozen=True, slots=True)
class State:
    """All conversations that the caller sees, and the cursor (position in the event log) from which to follow events.

    An event that happened while the state was loaded may be in both: in the conversations and after the cursor.
    """

    conversations: list[Conversation]
    cursor: str


class Talkwire(CardCalls, TurnCalls, ConversationCalls, DeskCalls, UserCalls):
    """A client of a Talkwire server, for `async with`.

    `token` is a token, or an ordinary or async function that returns one; a function is called again before its token
    expires. The token decides who the client is: a user, or the application's back end (role `service`).

    Entering the context signs in. It waits until the server can be reached and the token function works, and raises
    `TalkwireError` if the server refuses the token.

    Calls are repeated while the server cannot be reached, restarts or limits the rate: for `patience_s` seconds in
    total, and without a time limit in `send`, `ask`, `upload` and `events`. Pauses between attempts grow up to
    `max_pause_s` seconds. Each call can be cancelled at any time.

    `transports` are the Socket.IO transports, such as `websocket`, of the connection that a user's `events` and
    `signals` use. `tls` replaces the system's certificates and TLS settings.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Token,
        patience_s: float = 30.0,
        max_pause_s: float = 20.0,
        transports: Sequence[str] = ("websocket",),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self._url = url.rstrip("/")
        self._tokens = TokenSource(token, max_pause_s)
        self._http = httpx.AsyncClient(base_url=self._url, verify=True if tls is None else tls)
        self._api = Api(self._http, self._tokens, patience_s=patience_s, max_pause_s=max_pause_s)
        self._live = LiveConnection(self._url, self._tokens, transports=transports, max_pause_s=max_pause_s, tls=tls)
        self._cursor: str | None = None
        self._reads_log = False

    async def __aenter__(self) -> Self:
        try:
            self._cursor = await self._newest_cursor()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections, as the end of `async with` does."""
        await self._live.close()
        await self._http.aclose()

    @property
    def cursor(self) -> str:
        """The cursor (position in the event log) after the last event that `events()` yielded.

        Before the first event it is the newest position at the time of signing in. Store it together with your
        program's results of the events, and pass it to `events(after=...)` after a restart.
        """
        if self._cursor is None:
            raise RuntimeError("the client is not signed in: use it in `async with`")
        return self._cursor

    def events(
        self,
        after: str | None = None,
        *,
        types: Collection[str] | None = None,
        conversation_id: str | None = None,
        final: bool = False,
    ) -> EventStream:
        """Returns the events after a cursor (a position in the event log), for `async for`.

        The iteration yields each event once, in the order of the log, and waits for new events without an end.

        Without `after`, the stream begins where the last such stream of this client ended, and the first one at the
        time of signing in. The application's back end and admins receive all events of the server; `after="start"`
        begins with the oldest one. A user receives the events that the user may see. `types` and `conversation_id`
        select events.

        With `final`, a message that is written while others read it comes as `message:new` at its first end, and
        nothing about it comes before. Only the application's back end and admins can ask for it; for users, the call
        raises ValueError.

        The stream survives broken connections and restarts of the server. The iteration raises `TalkwireError` with
        `must_reload` if the server no longer has all events after the cursor. Then load the state again with `load`,
        and continue with `events(after=state.cursor)`.
        """
        if final and not self._reads_log:
            raise ValueError("final is for the application's back end and admins")
        selected = EventFilter(types, conversation_id, final)
        source = LogSource(self._api, selected) if self._reads_log else SyncSource(self._api, self._live, selected)
        return EventStream(source, after or self.cursor, self._advance if after is None else None)

    def signals(self) -> SignalStream:
        """Returns a stream of signals (events that the server does not store), for `async for`.

        Signals are typing, presence, calls, new notifications and the progress of uploads. Only users receive them;
        signals that occur while the client is disconnected are lost.
        """
        return SignalStream(self._live)

    async def load(self) -> State:
        """Returns all conversations and the cursor from which to follow events with `events`.

        A user gets the conversations of that user, the application's back end gets all of the server. Messages and
        members are loaded separately with `messages` and `conversation`.
        """
        if self._reads_log:
            cursor = await self._newest_cursor()
            return State([each async for each in self.conversations()], cursor)
        found: Sync = await self._api.get("/api/v1/sync", limit=PAGE)
        conversations = list(found.get("conversations", ()))
        if "next" in found:
            conversations += [each async for each in self.conversations(cursor=found["next"])]
        return State(conversations, found["cursor"])

    async def request(self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request to any REST route and returns its JSON. `path` is relative to `/api/v1/`, such as
        `users/me/blocks`, or begins with a slash.

        The request is repeated, and errors are raised, as in all other calls.
        """
        found = Request(method, rooted(path), params=without_none(params or {}), json=json)
        return json_of(await self._api.send(found))

    def _advance(self, cursor: str) -> None:
        self._cursor = cursor

    async def _newest_cursor(self) -> str:
        """Returns the cursor of the newest event, and records whether this caller may read the events of the whole
        server.
        """
        log, own = Request("GET", "/api/v1/events"), Request("GET", "/api/v1/sync", params={"limit": 1})
        role = claims_of(await self._tokens.current()).get("role")
        # Only the server knows the role for certain: the setting `role_claim` may name another claim.
        first, second = (log, own) if role in READERS_OF_THE_LOG else (own, log)
        found, asked = await self._unless_forbidden(first), first
        if found is None:
            found, asked = (await self._api.send(second, FOR_EVER_S)).json(), second
        self._reads_log = asked is log
        cursor: str = found["cursor"]
        return cursor

    async def _unless_forbidden(self, request: Request) -> Any:  # noqa: ANN401 (JSON)
        """Returns the JSON of a response; None if the caller's role forbids the request."""
        try:
            return (await self._api.send(request, FOR_EVER_S)).json()
        except TalkwireError as error:
            if error.status != HTTPStatus.FORBIDDEN or error.code != "forbidden":
                raise
            return None
