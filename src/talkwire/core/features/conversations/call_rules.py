"""Rules for audio and video calls: which users may call each other, and what call signals may contain. Also the
database records of calls in progress."""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from talkwire.core.commands.calls import (
    Callees,
    CallRecord,
    CallSignal,
    Claim,
    ClaimCall,
    DropCall,
    FindCall,
    FindCallees,
    KeepRinging,
)
from talkwire.core.domain.access import blocked, is_muted, may_take_part, must_not_be_notes, require
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, Conversation
from talkwire.core.domain.texts import check_id, json_fits
from talkwire.core.ports.handler import NodeCommandHandlers, Queries
from talkwire.core.ports.transaction import LeaseTransaction, Snapshot

DATA_MAX_BYTES = 64 * 1024
"""Largest data of a call's signal, as JSON in UTF-8, in bytes."""

_encode = msgspec.json.Encoder().encode


def check_signal(signal: CallSignal) -> None:
    """Raises `invalid_request` for a call signal with invalid ids or with `data` that is not valid JSON, and
    `payload_too_large` for `data` of more than `DATA_MAX_BYTES`."""
    check_id("conversationId", signal.conversation_id)
    check_id("callId", signal.call_id)
    if signal.to_user_id is not None:
        check_id("toUserId", signal.to_user_id)
    if signal.data is not None and not json_fits("data", signal.data, DATA_MAX_BYTES):
        raise ChatError("payload_too_large", f"data: at most {DATA_MAX_BYTES} bytes of JSON")


def may_call_in(conversation: Conversation, members_max: int) -> ChatError | None:
    """Returns an error if calls are not allowed in a conversation: in channels, in groups of more than `members_max`
    members, and in direct conversations where one user has blocked the other. Returns None if calls are allowed."""
    if conversation.blocked:
        return blocked()
    if conversation.kind == "channel":
        return ChatError("forbidden", "There are no calls in channels.", cause="no_calls")
    if conversation.member_count > max(2, members_max):
        return ChatError("forbidden", f"There are no calls in groups of more than {members_max}.", cause="no_calls")
    return None


def find_callees(snapshot: Snapshot, actor: Actor, query: FindCallees) -> Callees:
    """Returns the users of a call that the actor starts: the members who may join it, and the members for whom it
    rings. The call does not ring for users who have blocked the actor or whom the actor has blocked.

    Raises `forbidden` for an actor who is not a member, `muted` for one whom a moderator has muted, and the error of
    `may_call_in` if calls are not allowed in the conversation.
    """
    member = snapshot.member(query.conversation_id, actor.user_id)
    require(may_take_part(snapshot.user(actor.user_id), member))
    conversation = snapshot.conversation(query.conversation_id)
    if conversation is None or member is None:
        raise forbidden("not_member")
    must_not_be_notes(conversation)
    require(may_call_in(conversation, query.members_max))
    if is_muted(member, snapshot.now_ms):
        raise ChatError("muted", "You are muted in this conversation.", cause="muted")
    members = [view.member for view in snapshot.members_of([conversation.id]).get(conversation.id, ())]
    member_ids = tuple(member.user_id for member in members)
    reachable = snapshot.presence.acquaintances(actor.user_id, member_ids, own=False)
    return Callees(member_ids, tuple(each.user_id for each in members if each.listed and each.user_id in reachable))


def claim_call(tx: LeaseTransaction, actor: Actor, command: ClaimCall) -> Claim:
    """Records a call, unless its conversation has a call on another living node. Returns the call that the conversation
    has then, and if that of a dead node was replaced, also the replaced call.

    A recorded call of the same node is replaced too, because that node knows that the call has ended.
    """
    record = command.record
    holder = tx.calls.claim(record)
    if holder == record:
        return Claim(record)
    if holder is not None and holder.node_id != record.node_id and tx.nodes.is_alive(holder.node_id, tx.now_ms):
        return Claim(holder)
    dropped = holder is not None and tx.calls.drop(record.conversation_id, holder.node_id)
    if tx.calls.claim(record) != record:
        raise ChatError("unavailable", "Another call has just started in this conversation. Try again.")
    is_dead = dropped and holder is not None and holder.node_id != record.node_id
    return Claim(record, holder if is_dead else None)


def keep_ringing(tx: LeaseTransaction, actor: Actor, command: KeepRinging) -> None:
    tx.calls.set_ringing(command.conversation_id, command.node_id, command.ringing_ids)


def drop_call(tx: LeaseTransaction, actor: Actor, command: DropCall) -> None:
    tx.calls.drop(command.conversation_id, command.node_id)


def find_call(snapshot: Snapshot, actor: Actor, query: FindCall) -> CallRecord | None:
    return snapshot.calls.find(query.conversation_id)


QUERIES: Queries = MappingProxyType({FindCallees: find_callees, FindCall: find_call})

NODE_COMMANDS: NodeCommandHandlers = MappingProxyType(
    {ClaimCall: claim_call, KeepRinging: keep_ringing, DropCall: drop_call}
)
