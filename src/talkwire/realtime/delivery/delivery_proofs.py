"""Which messages have arrived at their recipients, as heartbeats prove it.

A pong to a ping that left after a message shows that the client has received the message: a connection delivers in
order. So once a second, where messages have been sent, each recipient's connection is asked for a sign of life if its
own heartbeat has not given one, and the position up to which it has answered becomes the recipient's `delivered`.
What else is sent meanwhile waits for the next round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from talkwire.core.commands.receipts import MarkDelivered
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent, News
from talkwire.core.domain.model import Actor, Message

ROUND_S = 1.0

_logger = structlog.get_logger(__name__)


class Recipient(Protocol):
    """A socket that messages were sent to."""

    @property
    def actor(self) -> Actor: ...

    @property
    def gone(self) -> bool:
        """Whether it will never answer any more."""
        ...

    def answered_after(self, time: float) -> bool:
        """Whether its client has answered a heartbeat that left after this time."""
        ...

    def hasten_ping(self) -> None:
        """Sends a heartbeat now, if none is on its way."""
        ...


@dataclass(slots=True)
class _Stretch:
    """Messages up to one, which are being proved or collected for the next round. `waiting` are the sockets that have
    not answered yet, None before they are looked for."""

    message_id: int
    sent_at: float
    author_ids: set[str]
    waiting: list[Recipient] | None = None
    arrived: set[str] = field(default_factory=set)
    rounds: int = 0


class DeliveryProofs:
    """Follows the events of this node's chat.

    `recipients(conversation_id)` are the sockets in a conversation's room, empty where it is too large; `mark` submits
    a command; a recipient who answers no heartbeat for `rounds_max` rounds is waited for no longer.
    """

    def __init__(
        self,
        recipients: Callable[[str], Sequence[Recipient]],
        mark: Callable[[Actor, MarkDelivered], None],
        rounds_max: int = 30,
    ) -> None:
        self._recipients = recipients
        self._mark = mark
        self._rounds_max = rounds_max
        self._collected: dict[str, _Stretch] = {}
        self._proving: dict[str, _Stretch] = {}
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, events: Sequence[News]) -> None:
        """Listens to the bus."""
        now = asyncio.get_running_loop().time()
        for event in events:
            if type(event) is MessageSent:
                self._note(event.message, now)

    @property
    def idle(self) -> bool:
        """Whether nothing is waited for."""
        return not (self._collected or self._proving)

    def close(self) -> None:
        """Nobody is asked any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _note(self, message: Message, now: float) -> None:
        stretch = self._collected.get(message.conversation_id)
        if stretch is None:
            self._collected[message.conversation_id] = _Stretch(message.id, now, {message.sender_id})
            self._arm()
        else:
            stretch.message_id, stretch.sent_at = message.id, now
            stretch.author_ids.add(message.sender_id)

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROUND_S, self._round)

    def _round(self) -> None:
        self._timer = None
        for conversation_id in [id_ for id_ in self._collected if id_ not in self._proving]:
            self._proving[conversation_id] = self._collected.pop(conversation_id)
        for conversation_id, stretch in list(self._proving.items()):
            try:
                proved = self._prove(conversation_id, stretch)
            except Exception:
                # One conversation's bug must not keep the others from their receipts.
                _logger.exception("arrivals could not be noted")
                proved = True
            if proved:
                del self._proving[conversation_id]
        if not self.idle:
            self._arm()

    def _prove(self, conversation_id: str, stretch: _Stretch) -> bool:
        """Goes one round on in a conversation. True: there is nothing to wait for any more."""
        waiting = stretch.waiting
        if waiting is None:
            waiting = [r for r in self._recipients(conversation_id) if _is_for(stretch, r)]
        stretch.waiting = [r for r in waiting if not self._has_arrived(conversation_id, stretch, r)]
        stretch.rounds += 1
        return stretch.rounds >= self._rounds_max or not stretch.waiting

    def _has_arrived(self, conversation_id: str, stretch: _Stretch, recipient: Recipient) -> bool:
        """Notes it if so, and asks for a sign of life if not. Of a user's devices one is enough."""
        actor = recipient.actor
        if actor.user_id in stretch.arrived or recipient.gone:
            return True
        if not recipient.answered_after(stretch.sent_at):
            recipient.hasten_ping()
            return False
        stretch.arrived.add(actor.user_id)
        try:
            self._mark(actor, MarkDelivered(conversation_id, str(stretch.message_id)))
        except ChatError as error:
            _logger.info("an arrival was not noted", code=error.code)
        return True


def _is_for(stretch: _Stretch, recipient: Recipient) -> bool:
    """Nobody is told that their own messages have arrived at themselves."""
    return len(stretch.author_ids) > 1 or recipient.actor.user_id not in stretch.author_ids
