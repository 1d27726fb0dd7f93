"""The state of audio and video calls in memory: who has joined, for whom a call rings, and when a call ends.

A participant is a user, with any number of sockets. A conversation has at most one call. Times are arguments in seconds
of the event loop's clock: the caller reads `next_deadline` and calls `expire` at that time. The state is in the memory
of one node, and its calls end when the node stops.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

from msgspec.structs import replace

from talkwire.core.commands.calls import (
    AcceptCall,
    CallSignal,
    HangUpCall,
    InviteToCall,
    RejectCall,
    SendCallSignal,
)
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.events import (
    CallAccepted,
    CallEnded,
    CallEvent,
    CallHungUp,
    CallInvited,
    CallNews,
    CallRejected,
    CallSignalled,
)
from talkwire.core.domain.model import CallEndReason

RING_S = 45.0
"""Default of the setting `call_ring_s`: seconds for which a call rings."""

CALLS_MAX = 20
"""Most calls that a user may be in, or be called for, when starting another one."""

CallOutput = list[CallNews]
CallEventT = TypeVar("CallEventT", bound=CallEvent)


class Call:
    """One call in a conversation. The users in `members` may join it, those in `joined` have joined, those in `ringing`
    have been called and have not responded yet. `answered` is True once a second user has joined."""

    __slots__ = ("answered", "caller_id", "conversation_id", "id", "invitation", "joined", "members", "ringing")

    def __init__(self, call_id: str, conversation_id: str, caller_id: str, members: Iterable[str]) -> None:
        self.id = call_id
        self.conversation_id = conversation_id
        self.caller_id = caller_id
        self.members = dict.fromkeys(members)
        self.joined = {caller_id: None}
        self.ringing: dict[str, None] = {}
        self.answered = False
        self.invitation: object = None

    @property
    def is_over(self) -> bool:
        """True if fewer than two users have joined or are being called, so that nobody is left to talk to."""
        return not self.joined or len(self.joined) + len(self.ringing) < 2

    def event(self, kind: type[CallEventT], user_id: str, to: Iterable[str], signal: CallSignal | None) -> CallEventT:
        """Returns an event of type `kind` about this call, caused by `user_id` and addressed to the users in `to`.

        If the signal names a single user (`to_user_id`), `to` is ignored: the event is addressed to that user and,
        unless the event is an invitation or a relayed signal, to `user_id`, whose other sockets receive it too. Without
        a signal, the event repeats the data of the last invitation.
        """
        if signal is None:
            return kind(self.id, self.conversation_id, user_id, tuple(to), data=self.invitation)
        if signal.to_user_id is not None:
            to = (signal.to_user_id,) if kind in {CallInvited, CallSignalled} else (signal.to_user_id, user_id)
        return kind(self.id, self.conversation_id, user_id, tuple(to), signal.to_user_id, signal.data, signal.source)

    def ended(self, reason: CallEndReason, to: Iterable[str], missed_by: Iterable[str]) -> CallEnded:
        return CallEnded(self.id, self.conversation_id, self.caller_id, reason, tuple(to), tuple(missed_by))


class CallState:
    """The calls whose state this node holds, at most one for each conversation. Methods that change a call return the
    events, which the caller publishes. Methods with a signal raise ChatError for a signal that the user may not
    send."""

    def __init__(self, ring_s: float = RING_S) -> None:
        self._ring_s = ring_s
        self._calls: dict[str, Call] = {}
        # User id -> ids of the conversations in whose call the user is, or is called.
        self._sides: dict[str, set[str]] = {}
        # (conversation id, user id) -> deadline. In the order of the deadlines, because all ring equally long.
        self._deadlines: dict[tuple[str, str], float] = {}

    # --- signals of participants --------------------------------------------------------------------------------------

    def invite(
        self, user_id: str, signal: InviteToCall, members: Collection[str], ringing: Collection[str], now: float
    ) -> CallOutput:
        """Starts a call, or rings again in the call that the user has already joined. Returns the events to publish.

        `members` may join the call. The call rings for the users in `ringing`, or only for the user that the signal
        names, from `now` (in seconds of the event loop's clock). Raises ChatError `conflict` if the conversation has
        another call or the user has too many, and `forbidden` if there is nobody to call.
        """
        if signal.to_user_id is not None:
            if signal.to_user_id not in ringing:
                raise forbidden("not_member")
            ringing = (signal.to_user_id,)
        call = self._calls.get(signal.conversation_id)
        if call is None:
            self._check_may_start(user_id, ringing)
            call = self._calls[signal.conversation_id] = Call(signal.call_id, signal.conversation_id, user_id, members)
            self._add_side(user_id, call)
        elif call.id != signal.call_id or user_id not in call.joined:
            raise _conflict(call)
        call.invitation = signal.data
        rung = [other_id for other_id in ringing if other_id not in call.joined]
        for other_id in rung:
            self._ring(call, other_id, now)
        return [call.event(CallInvited, user_id, rung, signal)]

    def accept(self, user_id: str, signal: AcceptCall) -> CallOutput:
        """Adds the user to the call, and returns the event to publish, which also makes the user's other sockets stop
        ringing. Raises `not_found` if the call has ended, and `forbidden` if the user may not join it."""
        call = self._call(user_id, signal)
        self._stop_ringing(call, user_id)
        call.joined[user_id] = None
        call.answered = call.answered or len(call.joined) > 1
        self._add_side(user_id, call)
        return [call.event(CallAccepted, user_id, call.members, signal)]

    def reject(self, user_id: str, signal: RejectCall) -> CallOutput:
        """Declines a call for the user, and returns the events to publish, including the call's end if nobody is left:
        none if the user neither joined it nor is being called. Raises `not_found` if the call has ended, and
        `forbidden` if the user may not join it."""
        call = self._call(user_id, signal)
        return self._publish_and_leave(
            call, user_id, call.event(CallRejected, user_id, call.members, signal), "rejected"
        )

    def hang_up(self, user_id: str, signal: HangUpCall) -> CallOutput:
        """Removes the user from the call, and returns the events to publish, including the call's end if nobody is
        left: none if the user neither joined it nor is being called. Raises `not_found` if the call has ended, and
        `forbidden` if the user may not join it."""
        call = self._call(user_id, signal)
        event = call.event(CallHungUp, user_id, call.members, signal)
        if call.answered:
            return self._publish_and_leave(call, user_id, event, "hangup")
        return self._publish_and_leave(call, user_id, event, "cancelled" if user_id in call.joined else "rejected")

    def signal(self, user_id: str, signal: SendCallSignal) -> CallOutput:
        """Returns an event that relays a participant's WebRTC data to the call's other participants, or to the one that
        the signal names. Raises `not_found` if the call has ended, and `forbidden` if the user or the named one neither
        joined it nor is being called."""
        call = self._call(user_id, signal)
        sides = {**call.joined, **call.ringing}
        if user_id not in sides or (signal.to_user_id is not None and signal.to_user_id not in sides):
            raise forbidden("not_member")
        return [call.event(CallSignalled, user_id, [side for side in sides if side != user_id], signal)]

    # --- events -------------------------------------------------------------------------------------------------------

    def user_disconnected(self, user_id: str) -> CallOutput:
        """Removes a user who has no socket any more from the calls that they had joined, and returns the events to
        publish. Calls that ring for the user continue to ring, because the user may reconnect."""
        return [
            event
            for conversation_id in tuple(self._sides.get(user_id, ()))
            if user_id in self._calls[conversation_id].joined
            for event in self._leave(self._calls[conversation_id], user_id, "gone")
        ]

    def user_connected(self, user_id: str) -> CallOutput:
        """Returns invitation events for the calls that ring for a user who has just connected."""
        calls = [self._calls[conversation_id] for conversation_id in self._sides.get(user_id, ())]
        return [call.event(CallInvited, call.caller_id, (user_id,), None) for call in calls if user_id in call.ringing]

    def member_removed(self, conversation_id: str, user_id: str) -> CallOutput:
        """Removes a user who is no longer a member of the conversation from its call, and returns the events to
        publish."""
        call = self._calls.get(conversation_id)
        if call is None:
            return []
        events = self._leave(call, user_id, "left")
        call.members.pop(user_id, None)
        return events

    def members_added(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """Allows new members of a conversation to join the call in progress in it."""
        call = self._calls.get(conversation_id)
        if call is not None:
            call.members.update(dict.fromkeys(user_ids))

    def end_call(self, conversation_id: str) -> CallOutput:
        """Ends the call of a conversation that was deleted, or in which one of the two members has blocked the other.
        Returns the events to publish, none if this node has no call of the conversation. Nobody counts as having missed
        the call."""
        call = self._calls.get(conversation_id)
        if call is None:
            return []
        for user_id in tuple(call.ringing):
            self._stop_ringing(call, user_id)  # not a missed call, because these users could not have accepted it
        return self._end(call, "left")

    def conversations_of(self, user_id: str) -> Collection[str]:
        """Returns the ids of the conversations in whose call the user takes part: they have joined it, or it rings for
        them."""
        return tuple(self._sides.get(user_id, ()))

    def has(self, conversation_id: str) -> bool:
        """Returns whether this node holds the state of a call in the conversation."""
        return conversation_id in self._calls

    def unanswered(self, conversation_id: str) -> tuple[str, ...]:
        """Returns the ids of the users for whom the conversation's call still rings, while nobody has accepted the
        call. Empty once a user has accepted it, and if there is no call."""
        call = self._calls.get(conversation_id)
        return () if call is None or call.answered else tuple(call.ringing)

    def end_all(self) -> CallOutput:
        """Ends all calls of this node with the reason `gone`, and returns the events to publish."""
        return [event for call in tuple(self._calls.values()) for event in self._end(call, "gone")]

    def concerns(self, conversation_id: str, user_id: str) -> bool:
        """Returns whether this node holds a call of the conversation that the user has joined or may join."""
        call = self._calls.get(conversation_id)
        return call is not None and user_id in call.members

    def expire(self, now: float) -> CallOutput:
        """Stops ringing for users who have not responded by their deadline, and ends calls with nobody left to talk to.
        Returns the events to publish, which name these users as having missed the call. `now` is in seconds
        of the event loop's clock."""
        unanswered: dict[str, list[str]] = {}
        while self._deadlines:
            (conversation_id, user_id), deadline = next(iter(self._deadlines.items()))
            if deadline > now:
                break
            self._stop_ringing(self._calls[conversation_id], user_id)
            unanswered.setdefault(conversation_id, []).append(user_id)
        events: CallOutput = []
        for conversation_id, user_ids in unanswered.items():
            call = self._calls[conversation_id]
            if call.is_over:
                events += self._end(call, "timeout", user_ids)
            else:
                events.append(replace(call.ended("timeout", user_ids, user_ids), is_over=False))
        return events

    def next_deadline(self) -> float | None:
        """Returns the time at which to call `expire`, in seconds of the event loop's clock; None if no call is
        ringing."""
        return next(iter(self._deadlines.values()), None)

    # --- participants -------------------------------------------------------------------------------------------------

    def _check_may_start(self, user_id: str, ringing: Collection[str]) -> None:
        if not ringing:
            raise ChatError("forbidden", "There is nobody to call in this conversation.", cause="nobody_to_call")
        if len(self._sides.get(user_id, ())) >= CALLS_MAX:
            raise ChatError("conflict", f"You already have {CALLS_MAX} calls.", cause="too_many")

    def _call(self, user_id: str, signal: CallSignal) -> Call:
        call = self._calls.get(signal.conversation_id)
        if call is None or call.id != signal.call_id:
            raise ChatError("not_found", "This call does not exist or has ended.")
        if user_id not in call.members or (signal.to_user_id is not None and signal.to_user_id not in call.members):
            raise forbidden("not_member")
        return call

    def _publish_and_leave(self, call: Call, user_id: str, event: CallNews, reason: CallEndReason) -> CallOutput:
        """Returns `event`, followed by the call's end if removing the user ended it; publishes nothing itself. Returns
        an empty list if the user neither joined the call nor is being called, for example because another of their
        sockets has declined already."""
        if user_id not in call.joined and user_id not in call.ringing:
            return []
        return [event, *self._leave(call, user_id, reason)]

    def _leave(self, call: Call, user_id: str, reason: CallEndReason) -> CallOutput:
        if user_id not in call.joined and user_id not in call.ringing:
            return []
        call.joined.pop(user_id, None)
        self._stop_ringing(call, user_id)
        return self._end(call, reason) if call.is_over else []

    def _end(self, call: Call, reason: CallEndReason, missed_by: Iterable[str] = ()) -> CallOutput:
        missed = (*missed_by, *call.ringing)
        for user_id in (*call.joined, *call.ringing):
            self._stop_ringing(call, user_id)
        del self._calls[call.conversation_id]
        return [call.ended(reason, call.members, missed)]

    def _ring(self, call: Call, user_id: str, now: float) -> None:
        self._stop_ringing(call, user_id)
        call.ringing[user_id] = None
        self._deadlines[call.conversation_id, user_id] = now + self._ring_s
        self._add_side(user_id, call)

    def _stop_ringing(self, call: Call, user_id: str) -> None:
        """Stops ringing for a user in a call, and removes the user's deadline and their entry in the index of calls by
        user."""
        call.ringing.pop(user_id, None)
        self._deadlines.pop((call.conversation_id, user_id), None)
        self._remove_side(user_id, call)

    def _add_side(self, user_id: str, call: Call) -> None:
        self._sides.setdefault(user_id, set()).add(call.conversation_id)

    def _remove_side(self, user_id: str, call: Call) -> None:
        conversation_ids = self._sides.get(user_id)
        if conversation_ids is not None:
            conversation_ids.discard(call.conversation_id)
            if not conversation_ids:
                del self._sides[user_id]


def _conflict(call: Call) -> ChatError:
    details = {"callId": call.id, "conversationId": call.conversation_id, "userIds": list(call.joined)}
    return ChatError("conflict", "This conversation already has a call.", details, cause="call_running")
