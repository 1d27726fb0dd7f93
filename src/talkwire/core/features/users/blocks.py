"""Blocking of users by users. Two users, one of whom has blocked the other, cannot send each other direct messages."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.blocks import BlockUser, IsBlocked, UnblockUser
from talkwire.core.domain.access import may_act
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import UserBlocked, UserUnblocked
from talkwire.core.domain.model import Actor
from talkwire.core.domain.texts import check_id
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction


def check_block(command: BlockUser | UnblockUser) -> None:
    check_id("userId", command.user_id)


def block_user(tx: Transaction, actor: Actor, command: BlockUser) -> None:
    """Records that the actor blocks a user. Repeating it changes nothing. Raises `invalid_request` if that is the
    actor, and `not_found` for an unknown user."""
    _require_both(tx, actor, command.user_id)
    if not tx.has_blocked(actor.user_id, command.user_id):
        tx.record(UserBlocked(tx.next_pos(), tx.now_ms, actor.user_id, command.user_id))


def unblock_user(tx: Transaction, actor: Actor, command: UnblockUser) -> None:
    """Removes the actor's block of a user. Does nothing if there is none."""
    _require_both(tx, actor, command.user_id)
    if tx.has_blocked(actor.user_id, command.user_id):
        tx.record(UserUnblocked(tx.next_pos(), tx.now_ms, actor.user_id, command.user_id))


def _require_both(tx: Transaction, actor: Actor, user_id: str) -> None:
    user = tx.user(actor.user_id)
    refusal = may_act(user)
    if refusal is not None or user is None:
        raise refusal or forbidden("not_found")
    if user_id == actor.user_id:
        raise invalid("userId", "must be another user")
    if tx.user(user_id) is None:
        raise ChatError("not_found", "No such user.")


def is_blocked(snapshot: Snapshot, actor: Actor, query: IsBlocked) -> bool:
    """Returns whether one of the two members of a direct conversation has blocked the other."""
    conversation = snapshot.conversation(query.conversation_id)
    return conversation is not None and conversation.blocked


CHANGES: Changes = MappingProxyType(
    {
        BlockUser: ChangeHandler(block_user, check_block),
        UnblockUser: ChangeHandler(unblock_user, check_block),
    }
)

QUERIES: Queries = MappingProxyType({IsBlocked: is_blocked})
