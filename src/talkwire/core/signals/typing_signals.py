"""Typing as it goes on: what sockets and routes say in, events out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import MappingProxyType

from talkwire.core.commands.blocks import IsBlocked
from talkwire.core.commands.typing import SetTyping
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.access import blocked, may_act
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
"""How much later than usual typing on another node ends, if that node does not say so. It may have told the last start
up to `TYPING_EVERY_S` before the client said it last."""

HEARD_MAX = 100_000
"""Of so many it is remembered that they type on other nodes."""


class TypingSignals:
    """Who types on this node, and what is heard of others: a node that was killed does not say who stopped."""

    def __init__(self, chat: ChatAccess, publisher: Publisher) -> None:
        self._chat = chat
        self._publisher = publisher
        self._state = TypingState()
        self._ending = DeadlineTimer(self._state.next_deadline, lambda now: self._tell(self._state.expire(now)))
        self._heard = TypingState(TYPING_LASTS_S + LATE_S, every_s=0.0)
        self._fading = DeadlineTimer(self._heard.next_deadline, self._end_heard)
        self.handlers: SignalHandlers = MappingProxyType({SetTyping: self._set})

    def close(self) -> None:
        self._ending.cancel()
        self._fading.cancel()

    def heard(self, event: TypingChanged) -> None:
        """From another node."""
        directory = self._chat.directory
        now = _now()
        if not event.is_typing:
            self._heard.stop(event.conversation_id, event.user_id, now)
            self._state.told_elsewhere(event.conversation_id, event.user_id)
        elif len(self._heard) < HEARD_MAX and directory.circles.get(event.conversation_id) is not None:
            self._heard.start(event.conversation_id, event.user_id, event.user_name, None, now)
            self._fading.arm()

    def source_gone(self, source: str) -> None:
        """A socket has disconnected: whoever typed on it stopped."""
        self._tell(self._state.source_gone(source, _now()))

    def sent(self, event: MessageSent) -> None:
        """A message ends the typing of its sender. Nearly every event is one, and mostly nobody types."""
        if len(self._state):
            self._ended(event.message.conversation_id, event.message.sender_id)

    def follow(self, event: Durable) -> None:
        """Typing ends with the edit that was typed, and with the membership."""
        match event:
            case MessageEdited(message=message):
                self._ended(message.conversation_id, message.sender_id)
            case MemberRemoved():
                self._heard.stop(event.conversation_id, event.user_id, _now())
                self._ended(event.conversation_id, event.user_id)
            case ConversationDeleted():
                self._heard.conversation_gone(event.conversation_id)
                self._state.conversation_gone(event.conversation_id)

    async def _set(self, actor: Actor, command: SetTyping) -> None:
        entry = await self._chat.directory.find(actor.user_id)
        refusal = may_act(entry.user)
        if refusal is not None:
            raise refusal
        is_member = command.conversation_id in entry.conversation_ids
        is_blocked = is_member and await self._is_blocked(actor, command.conversation_id)
        # They may have left meanwhile.
        if command.conversation_id not in entry.conversation_ids:
            raise forbidden()
        if is_blocked:
            raise blocked()
        if command.is_typing:
            self._start(actor, command)
        else:
            self._stop(actor, command.conversation_id)

    def _start(self, actor: Actor, command: SetTyping) -> None:
        id_, user_id = command.conversation_id, actor.user_id
        told_elsewhere_s = self._heard.told_s(id_, user_id)
        event = self._state.start(id_, user_id, actor.name, command.source, _now(), told_elsewhere_s)
        if event is not None:
            self._tell([event])
        self._ending.arm()

    def _stop(self, actor: Actor, conversation_id: str) -> None:
        """A user who types on another node may say over this one that they stopped."""
        event = self._state.stop(conversation_id, actor.user_id, _now())
        elsewhere = self._heard.stop(conversation_id, actor.user_id, _now())
        if event is not None or elsewhere is not None:
            self._tell([event or TypingChanged(conversation_id, actor.user_id, actor.name, is_typing=False)])

    def _ended(self, conversation_id: str, user_id: str) -> None:
        event = self._state.stop(conversation_id, user_id, _now())
        if event is not None:
            self._tell([event])

    async def _is_blocked(self, actor: Actor, conversation_id: str) -> bool:
        """Whether one of a direct conversation's two members has blocked the other. The database is asked only while
        the other is not known here."""
        directory = self._chat.directory
        circle = directory.circles.get(conversation_id)
        if circle is not None and circle.kind in {"group", "channel"}:
            return False
        if circle is not None and circle.kind == "direct" and len(circle.user_ids) == 2:
            return directory.is_blocked(*circle.user_ids)
        return await self._chat.execute(actor, IsBlocked(conversation_id))

    def _tell(self, events: Sequence[TypingChanged]) -> None:
        if events:
            self._publisher.publish(events)

    def _end_heard(self, now: float) -> None:
        """Here only: each node does it for itself."""
        ended = [e for e in self._heard.expire(now) if not self._state.is_typing(e.conversation_id, e.user_id)]
        if ended:
            self._publisher.tell_here(ended)


def _now() -> float:
    return asyncio.get_running_loop().time()
