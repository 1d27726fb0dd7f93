"""The invitations of the calls that ring at present, collected from the call events of all nodes. A socket that
connects while a call rings receives them too, even if another node holds the call's state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from talkwire.core.domain.events import CallAccepted, CallEnded, CallHungUp, CallInvited, CallRejected, UnstoredEvent


class RingingCalls:
    """The invitations of calls that ring, by user and conversation, whichever node holds the call. Forgets an
    invitation after `ring_s` seconds, since the event about the call's end may be lost.

    `clock` returns a monotonic time in seconds.
    """

    def __init__(self, ring_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ring_s = ring_s
        self._clock = clock
        # User id -> conversation id -> the invitation.
        self._invitations: dict[str, dict[str, CallInvited]] = {}
        # (user id, conversation id) -> when it rang. In the order of the times, because all ring equally long.
        self._rang: dict[tuple[str, str], float] = {}

    def follow(self, events: Iterable[UnstoredEvent]) -> None:
        """Adds and removes invitations after call events, of this node or another one. Ignores other events."""
        for event in events:
            match event:
                case CallInvited():
                    self._forget_old()
                    for user_id in event.to:
                        self._ring(user_id, event)
                case CallAccepted() | CallRejected() | CallHungUp():
                    self._stop(event.user_id, event.conversation_id, event.call_id)
                case CallEnded():
                    for user_id in event.to:
                        self._stop(user_id, event.conversation_id, event.call_id)

    def leave(self, conversation_id: str, user_id: str) -> None:
        """Forgets the invitation of a user who is no longer a member of the conversation."""
        self._stop(user_id, conversation_id, None)

    def invitations_for(self, user_id: str, socket_id: str) -> list[CallInvited]:
        """Returns invitation events for the calls that ring for a user, addressed to the socket `socket_id` only. They
        carry the data of the original invitations."""
        self._forget_old()
        found = self._invitations.get(user_id, {}).values()
        return [replace(each, to=(user_id,), to_user_id=None, source=None, only=socket_id) for each in found]

    def _ring(self, user_id: str, event: CallInvited) -> None:
        self._stop(user_id, event.conversation_id, None)
        self._invitations.setdefault(user_id, {})[event.conversation_id] = event
        self._rang[user_id, event.conversation_id] = self._clock()

    def _stop(self, user_id: str, conversation_id: str, call_id: str | None) -> None:
        """Forgets a user's invitation in a conversation, but only if it is to the call `call_id`; None means any
        call."""
        invitations = self._invitations.get(user_id, {})
        invitation = invitations.get(conversation_id)
        if invitation is None or call_id not in {None, invitation.call_id}:
            return
        del invitations[conversation_id], self._rang[user_id, conversation_id]
        if not invitations:
            del self._invitations[user_id]

    def _forget_old(self) -> None:
        while self._rang:
            (user_id, conversation_id), rang = next(iter(self._rang.items()))
            if rang > self._clock() - self._ring_s:
                break
            self._stop(user_id, conversation_id, None)
