"""Calls as they go on: signals in, events to the sides' sockets out. Signalling only (contract, section 4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any

import msgspec

from talkwire.core.access import may_act
from talkwire.core.alarm import Alarm
from talkwire.core.call_state import RING_S, CallOutput, CallState
from talkwire.core.calls import check_signal
from talkwire.core.circles import CONTACTS_MAX
from talkwire.core.commands.calls import (
    AcceptCall,
    CallSignal,
    FindCallees,
    HangUpCall,
    InviteToCall,
    RejectCall,
    SendCallSignal,
)
from talkwire.core.door import Door, SignalHandlers
from talkwire.core.errors import forbidden
from talkwire.core.events import (
    ConversationDeleted,
    Durable,
    MemberAdded,
    MemberRemoved,
    UserBlocked,
)
from talkwire.core.model import Actor


class CallExchange:
    """The calls of this node. An invitation asks the database who is to be called; all else is answered from memory."""

    def __init__(
        self,
        door: Door,
        publish: Callable[[CallOutput], None],
        *,
        members_max: int = CONTACTS_MAX,
        ring_s: float = RING_S,
    ) -> None:
        self._door = door
        self._publish = publish
        self._members_max = members_max
        self._state = CallState(ring_s)
        self._ringing = Alarm(self._state.next_deadline, lambda now: self._tell(self._state.expire(now)))
        self.handlers: SignalHandlers = MappingProxyType(
            {
                InviteToCall: self._invite,
                AcceptCall: self._relay(self._state.accept),
                RejectCall: self._relay(self._state.reject),
                SendCallSignal: self._relay(self._state.signal),
                HangUpCall: self._relay(self._state.hang_up),
            }
        )

    def close(self) -> None:
        self._ringing.cancel()

    def user_came(self, user_id: str) -> None:
        """The user's first socket is here."""
        self._tell(self._state.user_came(user_id))

    def user_gone(self, user_id: str) -> None:
        """The user's last socket is gone."""
        self._tell(self._state.user_gone(user_id))

    def follow(self, event: Durable) -> None:
        """Keeps calls to who may be in them."""
        match event:
            case MemberAdded():
                self._state.member_came(event.conversation_id, [member.user_id for member in event.members])
            case MemberRemoved():
                self._tell(self._state.member_left(event.conversation_id, event.user_id))
            case ConversationDeleted():
                self._tell(self._state.conversation_gone(event.conversation_id))
            case UserBlocked():
                for conversation_id in self._state.conversations_of(event.user_id):
                    # The circle has only members who are known here, and it may ring for somebody who is not yet.
                    circle = self._door.directory.circles.get(conversation_id)
                    is_direct = circle is not None and circle.kind == "direct"
                    if is_direct and self._state.concerns(conversation_id, event.blocked_id):
                        self._tell(self._state.conversation_gone(conversation_id))

    async def _invite(self, actor: Actor, signal: InviteToCall) -> str:
        if not signal.call_id:
            signal = msgspec.structs.replace(signal, call_id=token_urlsafe(12))
        check_signal(signal)
        now_ms = time.time_ns() // 1_000_000
        callees = await self._door.execute(actor, FindCallees(signal.conversation_id, self._members_max, now_ms))
        await self._must_be_member(actor, signal)
        now = asyncio.get_running_loop().time()
        self._tell(self._state.invite(actor.user_id, signal, callees.member_ids, callees.ringing_ids, now))
        self._ringing.arm()
        return signal.call_id

    def _relay(self, act: Callable[[str, Any], CallOutput]) -> Callable[[Actor, CallSignal], Awaitable[str]]:
        async def relay(actor: Actor, signal: CallSignal) -> str:
            check_signal(signal)
            await self._must_be_member(actor, signal)
            self._tell(act(actor.user_id, signal))
            return signal.call_id

        return relay

    async def _must_be_member(self, actor: Actor, signal: CallSignal) -> None:
        entry = await self._door.directory.find(actor.user_id)
        refusal = may_act(entry.user)
        if refusal is not None:
            raise refusal
        if signal.conversation_id not in entry.conversation_ids:
            raise forbidden()

    def _tell(self, events: CallOutput) -> None:
        if events:
            self._publish(events)
