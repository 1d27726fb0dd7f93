"""Typing as it goes on: what sockets and routes say in, events out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import MappingProxyType

from talkwire.core.access import blocked, may_act
from talkwire.core.alarm import Alarm
from talkwire.core.commands.blocks import IsBlocked
from talkwire.core.commands.typing import SetTyping
from talkwire.core.door import Door, SignalHandlers, Voice
from talkwire.core.errors import forbidden
from talkwire.core.events import ConversationDeleted, Durable, MemberRemoved, TypingChanged
from talkwire.core.model import Actor
from talkwire.core.typing_state import TYPING_LASTS_S, TypingState

LATE_S = 1.0
"""How much later than usual it ends that somebody types on another node, if that node does not say so."""

HEARD_MAX = 100_000
"""Of so many it is remembered that they type on other nodes."""


class TypingSignals:
    """Who types on this node, and what is heard of others: a node that was killed does not say who stopped."""

    def __init__(self, door: Door, voice: Voice) -> None:
        self._door = door
        self._voice = voice
        self._state = TypingState()
        self._ending = Alarm(self._state.next_deadline, lambda now: self._tell(self._state.expire(now)))
        self._heard = TypingState(TYPING_LASTS_S + LATE_S)
        self._fading = Alarm(self._heard.next_deadline, self._end_heard)
        self.handlers: SignalHandlers = MappingProxyType({SetTyping: self._set})

    def close(self) -> None:
        self._ending.cancel()
        self._fading.cancel()

    def heard(self, event: TypingChanged) -> None:
        """From another node."""
        directory = self._door.directory
        if not event.is_typing:
            self._heard.stop(event.conversation_id, event.user_id, event.user_name)
        elif len(self._heard) < HEARD_MAX and directory.circles.get(event.conversation_id) is not None:
            now = asyncio.get_running_loop().time()
            self._heard.start(event.conversation_id, event.user_id, event.user_name, None, now)
            self._fading.arm()

    def source_gone(self, source: str) -> None:
        """A socket has disconnected: whoever typed on it stopped."""
        self._tell(self._state.source_gone(source))

    def follow(self, event: Durable) -> None:
        """Whoever is no member any more does not type there."""
        match event:
            case MemberRemoved():
                self._heard.user_left(event.conversation_id, event.user_id)
                self._tell(self._state.user_left(event.conversation_id, event.user_id))
            case ConversationDeleted():
                self._heard.conversation_gone(event.conversation_id)
                self._state.conversation_gone(event.conversation_id)

    async def _set(self, actor: Actor, command: SetTyping) -> None:
        entry = await self._door.directory.find(actor.user_id)
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
            now = asyncio.get_running_loop().time()
            event = self._state.start(command.conversation_id, actor.user_id, actor.name, command.source, now)
        else:
            event = self._state.stop(command.conversation_id, actor.user_id, actor.name)
        self._tell([event])
        self._ending.arm()

    async def _is_blocked(self, actor: Actor, conversation_id: str) -> bool:
        """Whether one of a direct conversation's two members has blocked the other. The database is asked only while
        the other is not known here."""
        directory = self._door.directory
        circle = directory.circles.get(conversation_id)
        if circle is not None and circle.kind in {"group", "channel"}:
            return False
        if circle is not None and circle.kind == "direct" and len(circle.user_ids) == 2:
            return directory.is_blocked(*circle.user_ids)
        return await self._door.execute(actor, IsBlocked(conversation_id))

    def _tell(self, events: Sequence[TypingChanged]) -> None:
        if events:
            self._voice.publish(events)

    def _end_heard(self, now: float) -> None:
        """Here only: each node does it for itself."""
        ended = [e for e in self._heard.expire(now) if not self._state.is_typing(e.conversation_id, e.user_id)]
        if ended:
            self._voice.tell_here(ended)
