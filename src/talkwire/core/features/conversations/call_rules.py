"""Who may call whom, and what a call's signals may carry."""

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
from talkwire.core.domain.access import may_take_part
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, Conversation
from talkwire.core.domain.texts import check_id, check_json, json_size
from talkwire.core.ports.handler import Queries, Upkeeps
from talkwire.core.ports.transaction import LeaseTransaction, Snapshot

DATA_MAX_BYTES = 64 * 1024

_encode = msgspec.json.Encoder().encode


def check_signal(signal: CallSignal) -> None:
    """Refuses at the door what is no id, and data that is not fit to be passed on."""
    check_id("conversationId", signal.conversation_id)
    check_id("callId", signal.call_id)
    if signal.to_user_id is not None:
        check_id("toUserId", signal.to_user_id)
    if signal.data is not None:
        if json_size("data", signal.data) > DATA_MAX_BYTES:
            raise ChatError("payload_too_large", f"data: at most {DATA_MAX_BYTES} bytes of JSON")
        check_json("data", signal.data)


def may_call_in(conversation: Conversation, members_max: int) -> ChatError | None:
    """Calls are for those who talk to each other: not in channels, nor where an invitation would ring for a crowd; and
    not where one has blocked the other."""
    if conversation.blocked:
        return ChatError("blocked", "One of you has blocked the other.")
    if conversation.kind == "channel":
        return ChatError("forbidden", "There are no calls in channels.")
    if conversation.member_count > max(2, members_max):
        return ChatError("forbidden", f"There are no calls in groups of more than {members_max}.")
    return None


def find_callees(snapshot: Snapshot, actor: Actor, query: FindCallees) -> Callees:
    """It does not ring for those who have blocked the caller, nor for those whom the caller has."""
    member = snapshot.member(query.conversation_id, actor.user_id)
    refusal = may_take_part(snapshot.user(actor.user_id), member)
    if refusal is not None:
        raise refusal
    conversation = snapshot.conversation(query.conversation_id)
    if conversation is None or member is None:
        raise forbidden()
    refusal = may_call_in(conversation, query.members_max)
    if refusal is not None:
        raise refusal
    if member.muted_until_ms > snapshot.now_ms:
        raise ChatError("muted", "A moderator has muted you in this conversation.")
    member_ids = [view.member.user_id for view in snapshot.members_of([conversation.id]).get(conversation.id, ())]
    reachable = snapshot.presence.acquaintances(actor.user_id, member_ids)
    return Callees(tuple(member_ids), tuple(user_id for user_id in member_ids if user_id in reachable))


def claim_call(tx: LeaseTransaction, actor: Actor, command: ClaimCall) -> Claim:
    """A conversation has one call on all nodes. That of a node that is no more does not count, nor does one of the same
    node, which knows that it is over."""
    record = command.record
    holder = tx.calls.claim(record)
    if holder == record:
        return Claim(record)
    if holder is not None and holder.node_id != record.node_id and tx.nodes.lives(holder.node_id, tx.now_ms):
        return Claim(holder)
    dropped = holder is not None and tx.calls.drop(record.conversation_id, holder.node_id)
    if tx.calls.claim(record) != record:
        raise ChatError("unavailable", "Somebody else has just begun a call here. Try again.")
    is_dead = dropped and holder is not None and holder.node_id != record.node_id
    return Claim(record, holder if is_dead else None)


def keep_ringing(tx: LeaseTransaction, actor: Actor, command: KeepRinging) -> None:
    tx.calls.ring(command.conversation_id, command.node_id, command.ringing_ids)


def drop_call(tx: LeaseTransaction, actor: Actor, command: DropCall) -> None:
    tx.calls.drop(command.conversation_id, command.node_id)


def find_call(snapshot: Snapshot, actor: Actor, query: FindCall) -> CallRecord | None:
    return snapshot.calls.find(query.conversation_id)


QUERIES: Queries = MappingProxyType({FindCallees: find_callees, FindCall: find_call})

UPKEEP: Upkeeps = MappingProxyType({ClaimCall: claim_call, KeepRinging: keep_ringing, DropCall: drop_call})
