"""`BlockingTalkwire`: the client for programs without asyncio, such as Django views and scripts."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from talkwire_client.agents.blocking_turns import BlockingTurns
from talkwire_client.agents.turns import Turns
from talkwire_client.blocking_stream import BlockingMessageStream
from talkwire_client.client import Talkwire
from talkwire_client.errors import TalkwireError
from talkwire_client.message_stream import MessageStream
from talkwire_client.tokens import Token

P = ParamSpec("P")
T = TypeVar("T")

_END: Any = object()


def _call(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
    *,
    is_endless: bool = False,
) -> Callable[Concatenate[BlockingTalkwire, P], T]:
    """Returns the method that runs an async method of `Talkwire` and waits for its result, for an endless one without a
    time limit.
    """

    @wraps(method)
    def call(self: BlockingTalkwire, /, *args: P.args, **kwargs: P.kwargs) -> T:
        async def work() -> T:
            return await method(self.client(), *args, **kwargs)

        return self.wait_for(work(), is_endless=is_endless)

    return call


def _each(
    method: Callable[Concatenate[Any, P], AsyncIterator[T]],
    *,
    is_endless: bool = False,
) -> Callable[Concatenate[BlockingTalkwire, P], Iterator[T]]:
    """Returns the method that yields what an async iterator of `Talkwire` yields. An endless one waits for each without
    a time limit.
    """

    @wraps(method)
    def iterate(self: BlockingTalkwire, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        async def begin() -> AsyncIterator[T]:
            return aiter(method(self.client(), *args, **kwargs))

        async def following() -> T:
            return await anext(found, _END)

        found = self.wait_for(begin())
        while (each := self.wait_for(following(), is_endless=is_endless)) is not _END:
            yield each

    return iterate


def _stream(
    method: Callable[Concatenate[Any, P], MessageStream],
) -> Callable[Concatenate[BlockingTalkwire, P], BlockingMessageStream]:
    """Returns the method that returns for `with` what a method of `Talkwire` returns for `async with`."""

    @wraps(method)
    def stream(self: BlockingTalkwire, /, *args: P.args, **kwargs: P.kwargs) -> BlockingMessageStream:
        async def make() -> MessageStream:
            return method(self.client(), *args, **kwargs)

        return BlockingMessageStream(self.wait_for(make()), self.wait_for)

    return stream


def _turns(
    method: Callable[Concatenate[Any, P], Turns],
) -> Callable[Concatenate[BlockingTalkwire, P], BlockingTurns]:
    """Returns the method that returns for `with` what a method of `Talkwire` returns for `async with`."""

    @wraps(method)
    def turns(self: BlockingTalkwire, /, *args: P.args, **kwargs: P.kwargs) -> BlockingTurns:
        async def make() -> Turns:
            return method(self.client(), *args, **kwargs)

        return BlockingTurns(self.wait_for(make()), self.wait_for)

    return turns


class _Background:
    """A thread with an event loop. It ends with the process, or earlier by `stop`."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="talkwire-client", daemon=True)
        self._thread.start()

    def stop(self, client: Talkwire | None) -> None:
        if client is not None:
            asyncio.run_coroutine_threadsafe(client.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class BlockingTalkwire:
    """A client of a Talkwire server with the methods of `Talkwire`, which wait for their results, and ordinary
    iterators.

    Each call runs in the event loop of a background thread, so retries, order and errors are those of `Talkwire`. After
    `timeout_s` seconds, calls other than `ask` end with a `TalkwireError` of the code `unavailable`; None waits without
    a limit. Calls of several threads may run at the same time.

    `with` signs in and closes the client at the end; `events`, `signals`, `load` and `cursor` need it. All other calls
    also work without it, for a client that lives as long as the process. A process that was forked opens connections of
    its own.

    The other arguments are those of `Talkwire`. A `token` function is called in the background thread.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Token,
        timeout_s: float | None = 30.0,
        patience_s: float = 30.0,
        max_pause_s: float = 20.0,
        transports: Sequence[str] = ("websocket",),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._make: Callable[[], Talkwire] = lambda: Talkwire(
            url, token=token, patience_s=patience_s, max_pause_s=max_pause_s, transports=transports, tls=tls
        )
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._client: Talkwire | None = None
        self._background: _Background | None = None

    def __enter__(self) -> Self:
        async def enter() -> None:
            await self.client().__aenter__()

        try:
            self.wait_for(enter())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections and ends the background thread. A later call opens them again."""
        with self._lock:
            if self._background is None or self._background.process != os.getpid():
                return
            self._background.stop(self._client)
            self._background = self._client = None

    @property
    def cursor(self) -> str:
        """The cursor (position in the event log) after the last event that `events()` yielded."""
        return self.client().cursor

    send = _call(Talkwire.send)
    stream = _stream(Talkwire.stream)
    stop = _call(Talkwire.stop)
    message = _call(Talkwire.message)
    messages = _call(Talkwire.messages)
    history = _each(Talkwire.history)
    search = _each(Talkwire.search)
    edit = _call(Talkwire.edit)
    delete = _call(Talkwire.delete)
    forward = _call(Talkwire.forward)
    react = _call(Talkwire.react)
    unreact = _call(Talkwire.unreact)
    rate = _call(Talkwire.rate)
    rating = _call(Talkwire.rating)
    pin = _call(Talkwire.pin)
    unpin = _call(Talkwire.unpin)
    mark_read = _call(Talkwire.mark_read)
    mark_unread = _call(Talkwire.mark_unread)

    ask = _call(Talkwire.ask, is_endless=True)
    card = _call(Talkwire.card)
    waiting_cards = _call(Talkwire.waiting_cards)
    choose = _call(Talkwire.choose)
    close_card = _call(Talkwire.close_card)
    cancel_card = _call(Talkwire.cancel_card)
    card_receipt = _call(Talkwire.card_receipt)

    turns = _turns(Talkwire.turns)
    list_turns = _each(Talkwire.list_turns)
    retry_turn = _call(Talkwire.retry_turn)

    conversations = _each(Talkwire.conversations)
    conversation = _call(Talkwire.conversation)
    create_conversation = _call(Talkwire.create_conversation)
    update_conversation = _call(Talkwire.update_conversation)
    delete_conversation = _call(Talkwire.delete_conversation)
    members = _call(Talkwire.members)
    add_members = _call(Talkwire.add_members)
    remove_member = _call(Talkwire.remove_member)
    remove_team = _call(Talkwire.remove_team)
    update_member = _call(Talkwire.update_member)
    conversation_preferences = _call(Talkwire.conversation_preferences)
    set_conversation_preferences = _call(Talkwire.set_conversation_preferences)
    typing = _call(Talkwire.typing)
    signal = _call(Talkwire.signal)

    put_team = _call(Talkwire.put_team)
    team = _call(Talkwire.team)
    teams = _each(Talkwire.teams)
    delete_team = _call(Talkwire.delete_team)
    add_team_members = _call(Talkwire.add_team_members)
    remove_team_member = _call(Talkwire.remove_team_member)
    team_numbers = _call(Talkwire.team_numbers)
    claim = _call(Talkwire.claim)
    release = _call(Talkwire.release)
    hand_off = _call(Talkwire.hand_off)
    close_conversation = _call(Talkwire.close_conversation)
    send_note = _call(Talkwire.send_note)

    me = _call(Talkwire.me)
    user = _call(Talkwire.user)
    users = _each(Talkwire.users)
    put_user = _call(Talkwire.put_user)
    unread = _call(Talkwire.unread)
    preferences = _call(Talkwire.preferences)
    set_preferences = _call(Talkwire.set_preferences)
    notifications = _each(Talkwire.notifications)
    mark_notifications_read = _call(Talkwire.mark_notifications_read)
    upload = _call(Talkwire.upload)
    download = _call(Talkwire.download)

    events = _each(Talkwire.events, is_endless=True)
    signals = _each(Talkwire.signals, is_endless=True)
    load = _call(Talkwire.load)
    request = _call(Talkwire.request)

    def client(self) -> Talkwire:
        """Returns the client that runs in the background thread."""
        if self._client is None:
            self._client = self._make()
        return self._client

    def wait_for(self, work: Coroutine[Any, Any, T], *, is_endless: bool = False) -> T:
        """Runs a coroutine in the background thread and returns its result. Cancels it after `timeout_s` seconds, or
        when the waiting thread is interrupted.
        """
        running = asyncio.run_coroutine_threadsafe(work, self._loop())
        try:
            return running.result(None if is_endless else self._timeout_s)
        except FutureTimeoutError:
            if is_endless:  # The work itself has raised it.
                raise
            raise TalkwireError("unavailable", f"There was no answer within {self._timeout_s:g} s.") from None
        finally:
            running.cancel()

    def _loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._background is None or self._background.process != os.getpid():
                # A forked process has no threads, and its connections are its parent's.
                self._background, self._client = _Background(), None
            return self._background.loop
