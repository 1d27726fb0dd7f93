"""Signalling for audio and video calls: handles users' call signals (invite, accept, hang up), and sends call events to
the participants' sockets. Audio and video themselves do not pass through the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any

import msgspec
import structlog

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.calls import (
    AcceptCall,
    Callees,
    CallRecord,
    CallSignal,
    ClaimCall,
    DropCall,
    FindCall,
    FindCallees,
    HangUpCall,
    InviteToCall,
    KeepRinging,
    RejectCall,
    SendCallSignal,
)
from talkwire.core.commands.command import Command
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.access import may_act, require
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, ErrorCode, RefusalCause, forbidden
from talkwire.core.domain.events import (
    CallEnded,
    CallInvited,
    ConversationDeleted,
    Durable,
    MemberAdded,
    MemberRemoved,
    UnstoredEvent,
    UserBlocked,
)
from talkwire.core.domain.model import Actor
from talkwire.core.features.conversations.call_rules import check_signal
from talkwire.core.ports.chat import SignalHandlers
from talkwire.core.signals.call_state import RING_S, CallOutput, CallState
from talkwire.core.signals.deadline_timer import DeadlineTimer
from talkwire.core.signals.ringing_calls import RingingCalls

_TOPIC = "call"

_logger = structlog.get_logger(__name__)

CALL_HOMES_MAX = 10_000
"""Most calls of other nodes whose home is cached."""


class CallQuestion(msgspec.Struct, frozen=True):
    """A request between nodes: a user's call signal, forwarded to the node that holds the state of that call (its
    home)."""

    actor: Actor
    signal: InviteToCall | AcceptCall | RejectCall | SendCallSignal | HangUpCall


class CallAnswer(msgspec.Struct, frozen=True):
    """The response to a `CallQuestion`: the call's id, or as `error` the (code, message, details) with which the signal
    was refused, and its `cause`."""

    call_id: str = ""
    error: tuple[ErrorCode, str, object] | None = None
    cause: RefusalCause | None = None


class CallExchange:
    """Handles the signals of calls. Keeps the state of calls whose home is this node, and forwards signals for other
    calls to the nodes that hold their state.

    An invitation queries the database for the users to call; all other signals are handled in the home node's memory.
    With several nodes, a row in the database records the home of each conversation's call. The owner sets `on_called`,
    which is called with users who may have joined a call of this node, or are being called.
    """

    def __init__(
        self,
        chat: ChatAccess,
        publish: Callable[[CallOutput], None],
        peers: Peers,
        *,
        members_max: int = CONTACTS_MAX,
        ring_s: float = RING_S,
    ) -> None:
        self._chat = chat
        self._publish = publish
        self._peers = peers
        self._members_max = members_max
        self.on_called: Callable[[Collection[str]], None] = lambda _: None
        self._shared = False
        self._claiming = asyncio.Lock()
        # By conversation id: the home of its call, and the ringing users that are stored for a call of this node.
        self._homes: dict[str, str] = {}
        self._stored: dict[str, tuple[str, ...]] = {}
        self._state = CallState(ring_s)
        self._rings = RingingCalls(ring_s)
        self._ringing = DeadlineTimer(
            self._state.next_deadline, lambda now: self._publish_and_store(self._state.expire(now))
        )
        self._actions: Mapping[type[Command[Any]], Callable[[str, Any], CallOutput]] = MappingProxyType(
            {
                AcceptCall: self._state.accept,
                RejectCall: self._state.reject,
                SendCallSignal: self._state.signal,
                HangUpCall: self._state.hang_up,
            }
        )
        self.handlers: SignalHandlers = MappingProxyType(
            {InviteToCall: self._invite, **dict.fromkeys(self._actions, self._relay)}
        )
        peers.answer(_TOPIC, CallQuestion, self._answer)

    def enable_peers(self) -> None:
        """Makes this object record calls in the database and look for calls of other nodes. Called once if the server
        can have several nodes."""
        self._shared = True

    def close(self) -> None:
        if self._shared:
            self._publish_and_store(self._state.end_all())
        self._ringing.cancel()

    def drop_all(self) -> None:
        """Discards all calls of this node without publishing events, because other nodes have declared this node dead
        and have announced the end of its calls."""
        self._state.end_all()
        self._stored.clear()

    def hear(self, event: UnstoredEvent) -> None:
        """Updates this node's record of which calls ring for which users, after another node has published a call
        event."""
        self._rings.follow([event])

    def invitations_for(self, user_id: str, socket_id: str) -> list[CallInvited]:
        """Returns invitation events for the calls that ring for a user, whichever node holds them. The events are
        addressed to the socket `socket_id` only, which has just connected."""
        return self._rings.invitations_for(user_id, socket_id)

    def concerns(self, user_id: str) -> bool:
        """Returns whether a user has joined a call of this node, or is being called."""
        return bool(self._state.conversations_of(user_id))

    def user_connected(self, user_id: str) -> None:
        """Publishes invitations to a user for the calls of this node that ring for the user. Called when the user's
        first socket on any node has connected, perhaps on a node that has not received the first invitations."""
        self._publish_and_store(self._state.user_connected(user_id))

    def user_disconnected(self, user_id: str) -> None:
        """Removes a user from the calls that they had joined, and publishes the events. Called when the user has had no
        socket on any node for the time after which they count as offline."""
        self._publish_and_store(self._state.user_disconnected(user_id))

    def ended_elsewhere(self, conversation_id: str) -> None:
        """Removes a conversation's entry from the cache of homes (the nodes that hold the state of calls), after
        another node has published that the conversation's call has ended."""
        self._homes.pop(conversation_id, None)

    def announce_ended(self, calls: Iterable[CallRecord]) -> None:
        """Publishes the end of calls whose home (the node that held their state) has died, and removes their entries
        from the cache of homes."""
        for call in calls:
            self._homes.pop(call.conversation_id, None)
            missed_by = call.ringing_ids
            ended = CallEnded(call.call_id, call.conversation_id, call.caller_id, "gone", call.member_ids, missed_by)
            self._announce([ended])

    def follow(self, event: Durable) -> None:
        """Updates calls after an event in the log (the ordered record of events): added or removed members, a deleted
        conversation, or a user blocked by another."""
        match event:
            case MemberAdded():
                self._state.members_added(event.conversation_id, [member.user_id for member in event.members])
            case MemberRemoved():
                self._rings.leave(event.conversation_id, event.user_id)
                self._publish_and_store(self._state.member_removed(event.conversation_id, event.user_id))
            case ConversationDeleted():
                self._publish_and_store(self._state.end_call(event.conversation_id))
            case UserBlocked():
                for conversation_id in self._state.conversations_of(event.user_id):
                    # The index has only cached members, and the call may ring for a user who is not cached.
                    membership = self._chat.directory.memberships.get(conversation_id)
                    is_direct = membership is not None and membership.kind == "direct"
                    if is_direct and self._state.concerns(conversation_id, event.blocked_id):
                        self._publish_and_store(self._state.end_call(conversation_id))

    # --- signals of users ---------------------------------------------------------------------------------------------

    async def _invite(self, actor: Actor, signal: InviteToCall, *, forwarded: bool = False) -> str:
        """Starts a call or rings again in an existing one, and returns the call's id. `forwarded` is True if another
        node has sent the signal here because the database names this node as the call's home; the signal is then not
        forwarded again."""
        if not signal.call_id:
            signal = msgspec.structs.replace(signal, call_id=token_urlsafe(12))
        check_signal(signal)
        callees = await self._chat.execute(actor, FindCallees(signal.conversation_id, self._members_max))
        await self._must_be_member(actor, signal)
        if not self._shared:
            self._start_call(actor, signal, callees)
            return signal.call_id
        async with self._claiming:
            home = await self._claim(actor, signal, callees)
            if home == self._peers.node_id:
                self._start_call(actor, signal, callees)
                return signal.call_id
        if forwarded:
            raise _no_answer()
        return await self._forward(home, actor, signal)

    def _start_call(self, actor: Actor, signal: InviteToCall, callees: Callees) -> None:
        now = asyncio.get_running_loop().time()
        try:
            self._publish_and_store(
                self._state.invite(actor.user_id, signal, callees.member_ids, callees.ringing_ids, now)
            )
        except ChatError:
            self._drop_if_over(signal.conversation_id)
            raise
        self._ringing.arm()
        self.on_called((actor.user_id, *callees.ringing_ids))

    async def _relay(self, actor: Actor, signal: CallSignal, *, forwarded: bool = False) -> str:
        check_signal(signal)
        await self._must_be_member(actor, signal)
        if self._shared and not forwarded and not self._state.has(signal.conversation_id):
            home = await self._find_home(signal.conversation_id)
            if home is not None and home != self._peers.node_id:
                return await self._forward(home, actor, signal)
        self._publish_and_store(self._actions[type(signal)](actor.user_id, signal))
        if isinstance(signal, AcceptCall):
            self.on_called((actor.user_id,))
        return signal.call_id

    # --- other nodes ------------------------------------------------------------------------------------------------

    async def _claim(self, actor: Actor, signal: InviteToCall, callees: Callees) -> str:
        """Returns the id of the call's home, the node that holds its state. Records this node as the home in the
        database unless the conversation already has a call on another living node."""
        node_id, conversation_id = self._peers.node_id, signal.conversation_id
        if self._state.has(conversation_id):
            return node_id
        ringing_ids = callees.ringing_ids if signal.to_user_id is None else (signal.to_user_id,)
        record = CallRecord(conversation_id, signal.call_id, node_id, actor.user_id, callees.member_ids, ringing_ids)
        claim = await self._chat.execute(NODE, ClaimCall(record))
        if claim.replaced is not None:
            self.announce_ended([claim.replaced])
        if claim.holder == record:
            self._stored[conversation_id] = ringing_ids
        else:
            self._remember_home(conversation_id, claim.holder.node_id)
        return claim.holder.node_id

    async def _find_home(self, conversation_id: str) -> str | None:
        home = self._homes.get(conversation_id)
        if home is None:
            call = await self._chat.execute(NODE, FindCall(conversation_id))
            if call is not None:
                home = call.node_id
                self._remember_home(conversation_id, home)
        return home

    def _remember_home(self, conversation_id: str, node_id: str) -> None:
        if len(self._homes) >= CALL_HOMES_MAX:
            self._homes.clear()
        self._homes[conversation_id] = node_id

    async def _forward(self, home: str, actor: Actor, signal: Any) -> str:  # noqa: ANN401 (one of CallQuestion's)
        answers = await self._peers.ask(_TOPIC, CallQuestion(actor, signal), CallAnswer, to=home)
        answer = answers.get(home)
        if answer is None or answer.error is not None:
            self._homes.pop(signal.conversation_id, None)
        if answer is None:
            raise _no_answer()
        if answer.error is not None:
            raise ChatError(*answer.error, cause=answer.cause)
        return answer.call_id

    async def _answer(self, question: CallQuestion) -> CallAnswer:
        signal = question.signal
        try:
            if isinstance(signal, InviteToCall):
                return CallAnswer(await self._invite(question.actor, signal, forwarded=True))
            return CallAnswer(await self._relay(question.actor, signal, forwarded=True))
        except ChatError as error:
            return CallAnswer(error=(error.code, error.message, error.details), cause=error.cause)

    async def _must_be_member(self, actor: Actor, signal: CallSignal) -> None:
        entry = await self._chat.directory.find(actor.user_id)
        require(may_act(entry.user))
        if signal.conversation_id not in entry.conversation_ids:
            raise forbidden("not_member")

    def _publish_and_store(self, events: CallOutput) -> None:
        if not events:
            return
        self._announce(events)
        if self._shared:
            for conversation_id in {event.conversation_id for event in events}:
                self._store(conversation_id)

    def _announce(self, events: CallOutput) -> None:
        self._rings.follow(events)
        self._publish(events)

    def _store(self, conversation_id: str) -> None:
        """Records in the database for which users a conversation's call rings, or deletes the call's record if the call
        has ended. If this node dies, other nodes read the record to publish the end of the call."""
        if self._state.has(conversation_id):
            ringing_ids = self._state.unanswered(conversation_id)
            if self._stored.get(conversation_id) != ringing_ids:
                self._stored[conversation_id] = ringing_ids
                keep = KeepRinging(conversation_id, self._peers.node_id, ringing_ids)
                self._chat.submit(NODE, keep, _log_failure)
        else:
            self._drop_if_over(conversation_id)

    def _drop_if_over(self, conversation_id: str) -> None:
        if not self._state.has(conversation_id) and self._stored.pop(conversation_id, None) is not None:
            self._chat.submit(NODE, DropCall(conversation_id, self._peers.node_id), _log_failure)


def _no_answer() -> ChatError:
    return ChatError("unavailable", "The node that manages this call does not respond. Try again.")


def _log_failure(_: object, error: Exception | None) -> None:
    """Logs a failed write of a call's record. The next call in the conversation replaces the record."""
    if error is not None:
        _logger.warning("call_not_stored", error=str(error))
