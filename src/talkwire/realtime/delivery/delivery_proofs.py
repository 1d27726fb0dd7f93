"""Marks messages as delivered once their recipients' clients have answered a heartbeat that was sent after the
messages, which proves their arrival.

A proved message moves the recipient's `delivered` receipt. Messages that are sent while a proof is awaited wait for the
next proof, so that a busy conversation needs one command per recipient and second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from talkwire.core.commands.receipts import MarkDelivered
from talkwire.core.connected.memberships import MembershipIndex
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent, News, StreamStateChanged
from talkwire.core.domain.model import LARGE_CONVERSATION, Actor, Message
from talkwire.realtime.clients.chat_client import clients_in, conversation_room
from talkwire.realtime.delivery.heartbeats import HeartbeatRounds, Recipient, SocketRecipient
from talkwire.realtime.engine.hub import Hub

_logger = structlog.get_logger(__name__)


def recipients_in(hub: Hub, memberships: MembershipIndex, conversation_id: str) -> list[SocketRecipient]:
    """Returns the sockets that follow a conversation: the recipients for which `DeliveryProofs` proves that messages
    arrived. Leaves out members who do not have the conversation in their list. Empty for a large conversation, which
    has no delivery receipts, and for one that is not in `memberships`.
    """
    membership = memberships.get(conversation_id)
    if membership is None or membership.member_count > LARGE_CONVERSATION:
        return []
    sockets = clients_in(hub, conversation_room(conversation_id))
    return [SocketRecipient(socket) for socket in sockets if conversation_id not in socket.data.entry.unlisted]


@dataclass(slots=True)
class _Batch:
    """Messages of one conversation whose delivery is proved together. `message_id` is the newest one's id, `sent_at`
    the time at which it was sent, in seconds of the event loop's clock.

    `waiting` has the recipients without a proof; it is None before they are looked up. `proved` has the ids of users
    with a proof.
    """

    message_id: int
    sent_at: float
    author_ids: set[str]
    waiting: list[Recipient] | None = None
    proved: set[str] = field(default_factory=set)
    rounds: int = 0


class DeliveryProofs:
    """Marks messages as delivered once a heartbeat of the recipient's client proves their arrival.

    `recipients(conversation_id)` returns the sockets that follow a conversation. `mark` submits the command that marks
    a message, and all earlier ones, as delivered to the actor. Checks once a second; after `rounds_max` checks,
    recipients without a proof are dropped, and nothing is marked for them.
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
        self._collected: dict[str, _Batch] = {}
        self._proving: dict[str, _Batch] = {}
        self._rounds = HeartbeatRounds(self._check)

    def follow(self, events: Sequence[News]) -> None:
        """Starts to prove the delivery of the new messages among these events. Call it right after the events were sent
        to sockets. A stream is proved from its first end, when all dialects have it. Ignores other events.
        """
        now = asyncio.get_running_loop().time()
        for event in events:
            if type(event) is MessageSent:
                if event.message.state is None:
                    self._note(event.message, now)
            elif isinstance(event, StreamStateChanged) and event.is_first:
                self._note(event.message, now)

    @property
    def idle(self) -> bool:
        """Returns whether no message waits for a proof of delivery."""
        return not (self._collected or self._proving)

    def close(self) -> None:
        """Stops the timer. Messages without a proof are not marked as delivered."""
        self._rounds.close()

    def _note(self, message: Message, now: float) -> None:
        batch = self._collected.get(message.conversation_id)
        if batch is None:
            self._collected[message.conversation_id] = _Batch(message.id, now, {message.sender_id})
            self._rounds.start()
        else:
            batch.message_id, batch.sent_at = max(batch.message_id, message.id), now
            batch.author_ids.add(message.sender_id)

    def _check(self) -> bool:
        for conversation_id in [id_ for id_ in self._collected if id_ not in self._proving]:
            self._proving[conversation_id] = self._collected.pop(conversation_id)
        for conversation_id, batch in list(self._proving.items()):
            try:
                finished = self._prove(conversation_id, batch)
            except Exception:
                # A bug in one conversation must not keep the others from their receipts.
                _logger.exception("delivery_not_proved")
                finished = True
            if finished:
                del self._proving[conversation_id]
        return not self.idle

    def _prove(self, conversation_id: str, batch: _Batch) -> bool:
        """Checks by the heartbeats which recipients have received a batch of messages, and marks it as delivered to
        these. Returns True if the batch is finished: no recipient is left to wait for, or there were `rounds_max`
        checks.
        """
        waiting = batch.waiting
        if waiting is None:
            waiting = [r for r in self._recipients(conversation_id) if _is_for(batch, r)]
        batch.waiting = [r for r in waiting if not self._is_settled(conversation_id, batch, r)]
        batch.rounds += 1
        return batch.rounds >= self._rounds_max or not batch.waiting

    def _is_settled(self, conversation_id: str, batch: _Batch, recipient: Recipient) -> bool:
        """Returns True if a recipient of a batch of messages needs no more checks: its heartbeat proves the arrival
        (then marks the messages as delivered), another device of its user has done so, or its client is gone. Otherwise
        asks the client for a heartbeat.
        """
        actor = recipient.actor
        if actor.user_id in batch.proved or recipient.gone:
            return True
        if not recipient.answered_after(batch.sent_at):
            recipient.hasten_ping()
            return False
        batch.proved.add(actor.user_id)
        try:
            self._mark(actor, MarkDelivered(conversation_id, str(batch.message_id)))
        except ChatError as error:
            _logger.info("delivery_not_marked", code=error.code)
        return True


def _is_for(batch: _Batch, recipient: Recipient) -> bool:
    """Returns whether a batch of messages that waits for its proof of delivery has a message that the recipient did not
    write.
    """
    return len(batch.author_ids) > 1 or recipient.actor.user_id not in batch.author_ids
