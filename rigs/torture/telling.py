"""Writes the events that one client's sockets receive into the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rigs.torture.history import Connect, History, Stream, Window
from rigs.torture.words import Words
from rigs.torture.world import Role


class Client(Protocol):
    """Is notified of the events that its sockets receive."""

    def come(self) -> None:
        """Connected, or connected again."""
        ...

    def received(self, conversation: str, message_id: int) -> None:
        """Of a message."""
        ...


class Telling:
    """The sockets of one client, one after the other. `conversations` are those that its user is always a member of."""

    def __init__(
        self,
        role: Role,
        words: Words,
        history: History,
        conversations: Sequence[str],
        client: Client,
    ) -> None:
        self.stream: Stream | None = None
        self._role = role
        self._words = words
        self._history = history
        self._conversations = conversations
        self._client = client

    def now(self) -> float:
        return self._history.now()

    def connected(self, socket_id: str, recovered: bool) -> None:  # noqa: FBT001 (a callback's shape)
        now = self._history.now()
        if self.stream is None or not recovered:
            self.left()
            self.stream = self._history.stream(
                self._role.name, self._role.user, self._role.dialect, recoverable=self._role.recovers
            )
            if self._words.follows_all:
                self.stream.windows = [Window(conversation, now) for conversation in self._conversations]
        self.stream.connects.append(Connect(now, recovered, socket_id))
        self._client.come()

    def disconnected(self, reason: str) -> None:
        if self.stream is None:
            return
        last = self.stream.connects[-1]
        if last.until is None:
            last.until, last.reason = self._history.now(), reason
        if not self._role.recovers:
            self.left()

    def left(self) -> None:
        """Notes that the socket cannot be recovered."""
        if self.stream is not None:
            self.stream.ended = True
        self.stream = None

    def received(self, name: str, args: list[Any]) -> None:
        if self.stream is None:
            return
        received = self._words.received(self._history.now(), name, args)
        if received is None:
            return
        self.stream.received.append(received)
        if received.kind == "sent" and received.message_id is not None:
            self._client.received(received.conversation, received.message_id)
