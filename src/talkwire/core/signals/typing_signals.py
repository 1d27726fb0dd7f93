"""Typing indicators: handles typing commands from sockets and REST, and publishes typing events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import MappingProxyType

from talkwire.core.commands.blocks import IsBlocked
from talkwire.core.commands.typing import SetTyping
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.access import blocked, may_act, require
from talkwire.core.domain.errors import forbidden
from talkwire.core.domain.events import (
    ConversationDeleted,
    Durable,
    MemberRemoved,
    MessageEdited,
    MessageSent,
    TypingChanged,
)
from talkwire.core.domain.model import Actor
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.signals.deadline_timer import DeadlineTimer
from talkwire.core.signals.typing_state import TYPING_EVERY_S, TYPING_LASTS_S, TypingState

LATE_S = TYPING_EVERY_S + 1.0
"""Seconds by which typing on another node ends here later than there, if that node does not announce its end.

The other node may have announced the last start up to `TYPING_EVERY_S` before the client's last command.
"""

ELSEWHERE_MAX = 100_000
"""Most users whose typing on other nodes is tracked."""


class TypingSignals:
    """Handles typing commands, and tracks which users are typing on this node and on other nodes. Typing on another
    node ends here after a time limit too, since a killed node cannot announce the end."""

    def __init__(self, chat: ChatAccess, publisher: Publisher) -> None:
        self._chat = chat
        self._publisher = publisher
        self._state = TypingState()
        self._ending = DeadlineTimer(self._state.next_deadline, lambda now: self._publish(self._state.expire(now)))
        self._elsewhere = TypingState(TYPING_LASTS_S + LATE_S, every_s=0.0)
        self._ending_elsewhere = DeadlineTimer(self._elsewhere.next_deadline, self._end_elsewhere)
        self.handlers: SignalHandlers = MappingProxyType({SetTyping: self._set})

    def close(self) -> None:
        self._ending.cancel()
        self._ending_elsewhere.cancel()

    def receive(self, event: TypingChanged) -> None:
        """Applies a typing event of another node to this node's record of typing users. Publishes nothing: the caller
        sends the event to this node's sockets."""
        directory = self._chat.directory
        now = _now()
        if not event.is_typing:
            self._elsewhere.stop(event.conversation_id, event.user_id, now)
            self._state.stopped_elsewhere(event.conversation_id, event.user_id)
        elif len(self._elsewhere) < ELSEWHERE_MAX and directory.memberships.get(event.conversation_id) is not None:
            self._elsewhere.start(event.conversation_id, event.user_id, event.user_name, None, now)
            self._ending_elsewhere.arm()

    def socket_closed(self, source: str) -> None:
        """Ends typing that started from a socket that has disconnected, and publishes that."""
        self._publish(self._state.socket_closed(source, _now()))

    def sent(self, event: MessageSent) -> None:
        """Ends the typing of a message's sender in the conversation, and publishes that. Cheap while nobody types,
        since it is called for every message."""
        if len(self._state):
            self._end_typing(event.message.conversation_id, event.message.sender_id)

    def follow(self, event: Durable) -> None:
        """Ends the typing of a user who edited a message or whose membership ended, and publishes that. Ends all typing
        in a deleted conversation without publishing. Ignores other events."""
        match event:
            case MessageEdited(message=message):
                self._end_typing(message.conversation_id, message.sender_id)
            case MemberRemoved():
                self._elsewhere.stop(event.conversation_id, event.user_id, _now())
                self._end_typing(event.conversation_id, event.user_id)
            case ConversationDeleted():
                self._elsewhere.conversation_gone(event.conversation_id)
                self._state.conversation_gone(event.conversation_id)

    async def _set(self, actor: Actor, command: SetTyping) -> None:
        entry = await self._chat.directory.find(actor.user_id)
        require(may_act(entry.user))
        is_member = command.conversation_id in entry.conversation_ids
        is_blocked = is_member and await self._is_blocked(actor, command.conversation_id)
        # The user may have left the conversation while the database was queried.
        if command.conversation_id not in entry.conversation_ids:
            raise forbidden("not_member")
        if is_blocked:
            raise blocked()
        if command.is_typing:
            self._start(actor, command)
        else:
            self._stop(actor, command.conversation_id)

    def _start(self, actor: Actor, command: SetTyping) -> None:
        id_, user_id = command.conversation_id, actor.user_id
        announced_elsewhere_s = self._elsewhere.announced_s(id_, user_id)
        event = self._state.start(id_, user_id, actor.name, command.source, _now(), announced_elsewhere_s)
        if event is not None:
            self._publish([event])
        self._ending.arm()

    def _stop(self, actor: Actor, conversation_id: str) -> None:
        """Ends a user's typing in a conversation and publishes that, even if the typing started on another node."""
        event = self._state.stop(conversation_id, actor.user_id, _now())
        elsewhere = self._elsewhere.stop(conversation_id, actor.user_id, _now())
        if event is not None or elsewhere is not None:
            self._publish([event or TypingChanged(conversation_id, actor.user_id, actor.name, is_typing=False)])

    def _end_typing(self, conversation_id: str, user_id: str) -> None:
        event = self._state.stop(conversation_id, user_id, _now())
        if event is not None:
            self._publish([event])

    async def _is_blocked(self, actor: Actor, conversation_id: str) -> bool:
        """Returns whether a block between the two members of a direct conversation prevents typing.

        Queries the database only if the other member is not cached.
        """
        directory = self._chat.directory
        membership = directory.memberships.get(conversation_id)
        if membership is not None and (membership.kind in {"group", "channel"} or membership.staff_ids):
            return False  # a direct conversation has no team
        if membership is not None and membership.kind == "direct" and len(membership.user_ids) == 2:
            return directory.is_blocked(*membership.user_ids)
        return await self._chat.execute(actor, IsBlocked(conversation_id))

    def _publish(self, events: Sequence[TypingChanged]) -> None:
        if events:
            self._publisher.publish(events)

    def _end_elsewhere(self, now: float) -> None:
        """Ends typing on other nodes whose time limit has passed by `now`, in seconds of the event loop's clock.
        Notifies only this node's sockets, because each node does the same for its own."""
        ended = [e for e in self._elsewhere.expire(now) if not self._state.is_typing(e.conversation_id, e.user_id)]
        if ended:
            self._publisher.publish_here(ended)


def _now() -> float:
    return asyncio.get_running_loop().time()
