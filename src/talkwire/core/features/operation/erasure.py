"""Erases users: of the profile of an erased user only the id and the time of creation remain, of what they did their
memberships, messages and offers, and the blocks of others. With `redact`, their messages and offers lose their texts,
too. The id is never used again.

The command records one event, after which nobody sees the user any more. Work that takes long follows in short steps,
so that it delays nobody: first the texts of messages, then the events of the log that contain texts. Positions in the
log and numbers of messages remain, so every cursor stays valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.accounts import EraseUser
from talkwire.core.commands.server.erasure import (
    EndErasure,
    ErasureStep,
    FindErasureStep,
    IsErased,
    PendingErasure,
    Stage,
    TakeErasureStep,
)
from talkwire.core.domain.access import may_act, must_be_operator, must_be_trusted, must_not_be_held, require
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.events import MessageReacted, OfferUpdated, UserErased
from talkwire.core.domain.model import DELETED_NAME, Actor, Erased, Message, User
from talkwire.core.domain.texts import check_id
from talkwire.core.features.agents.turns import announce_waiting
from talkwire.core.features.conversations.members import give_role
from talkwire.core.features.desk.teams import leave_teams
from talkwire.core.features.messages.edits import record_deletion, tombstone
from talkwire.core.features.messages.erased_events import WITH_TEXTS, without_texts_of
from talkwire.core.features.messages.offers import redacted
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction


def check_erase(command: EraseUser) -> None:
    check_id("userId", command.user_id)


def erase_user(tx: Transaction, actor: Actor, command: EraseUser) -> None:
    """Erases a user, with `redact` also their messages. Raises `conflict` while the user, or with `redact` a
    conversation with their messages, is on hold (must not be deleted)."""
    user = tx.user(command.user_id)
    _must_be_allowed(tx, actor, command, user)
    if user is None:
        raise ChatError("not_found", "No such user.")
    must_not_be_held(user)
    if command.redact:
        _must_be_redactable(tx, user)
    if user.erased is None or (command.redact and user.erased == "keep"):
        by = "" if actor.is_service else actor.user_id
        left_ids = tx.turns.worked_on_by(user.id)
        tx.record(UserErased(tx.next_pos(), tx.now_ms, erased_user(user, redact=command.redact), command.redact, by))
        leave_teams(tx, user.id, by)
        for conversation_id in left_ids:
            announce_waiting(tx, conversation_id)
    elif command.redact:
        # Removes the messages that an earlier erasure could not remove because they were on hold.
        tx.erasures.put(PendingErasure(user.id, redact=True, stage="texts", after_pos=0))


def _must_be_allowed(tx: Transaction, actor: Actor, command: EraseUser, user: User | None) -> None:
    """Raises `forbidden` unless the actor may erase the user, and `conflict` if the user's password was changed after
    the caller had checked it."""
    if actor.user_id != command.user_id:
        must_be_trusted(actor)
        return
    require(may_act(user))
    account = tx.account_of(command.user_id)
    if account is not None and account.password_hash != command.password_hash and not actor.is_trusted:
        raise (
            forbidden("wrong_password")
            if command.password_hash is None
            else ChatError("conflict", "The password was changed.", cause="state_changed")
        )


def _must_be_redactable(tx: Transaction, user: User) -> None:
    held = tx.retention.held_conversations(user.id)
    if held:
        message = f"The user's messages cannot be redacted: some are in conversations on hold ({', '.join(held)})."
        raise ChatError("conflict", message, {"conversationIds": held}, cause="on_hold")


def erased_user(user: User, *, redact: bool) -> User:
    """Returns the record of a user after erasure: the id, the time of creation and whether it was an agent, with a
    placeholder as the name. `redact` is recorded in it: the user's messages are erased too."""
    erased: Erased = "redact" if redact else "keep"
    return User(user.id, DELETED_NAME, user.created_ms, banned=True, named=True, erased=erased, kind=user.kind)


# --- steps ------------------------------------------------------------------------------------------------------------


def find_step(snapshot: Snapshot, actor: Actor, query: FindErasureStep) -> ErasureStep | None:
    must_be_operator(actor)
    pending = snapshot.erasures.next_pending()
    if pending is None:
        return None
    match pending.stage:
        case "texts":
            return snapshot.erasures.texts(pending)
        case "log":
            without_texts = partial(without_texts_of, user_id=pending.user_id, redact=pending.redact)
            return snapshot.erasures.log_rows(pending, WITH_TEXTS, without_texts)
        case "bytes":
            return ErasureStep(pending, pending.after_pos, is_last=True)


def take_step(tx: Transaction, actor: Actor, command: TakeErasureStep) -> bool:
    """Carries out one step of an erasure, and stores how far the erasure has come. Returns False if another node has
    done the step already."""
    must_be_operator(actor)
    step, pending = command.step, command.step.erasure
    if tx.erasures.pending(pending.user_id) != pending:
        return False
    if pending.stage == "texts":
        _redact_messages(tx, pending.user_id, step.message_ids)
        _remove_reactions(tx, pending.user_id, step.reacted_ids)
        _redact_offers(tx, pending.user_id, step.offer_ids)
        tx.erasures.put(_after(step, "log" if step.is_last else "texts"))
    else:
        tx.erasures.rewrite_log(step.log_rows)
        more = _hand_over(tx, pending.user_id)
        more = tx.erasures.drop_rows(pending.user_id) or more
        tx.erasures.put(_after(step, "bytes" if step.is_last and not more else "log"))
    return True


def _after(step: ErasureStep, stage: Stage) -> PendingErasure:
    moved = stage != step.erasure.stage
    return replace(step.erasure, stage=stage, after_pos=0 if moved else step.until_pos)


def _redact_messages(tx: Transaction, user_id: str, message_ids: Sequence[int]) -> None:
    """Replaces messages of an erased user, and forwarded copies of them, by tombstones without content. Skips messages
    on hold (which must not be deleted)."""
    for message_id in message_ids:
        message = tx.message(message_id)
        if message is None or _is_held(tx, message.conversation_id, message.sender_id):
            continue
        if message.deleted_ms is None and _is_of(message, user_id):
            bare = replace(message, client_message_id=None, command_hash=None)
            record_deletion(tx, tombstone(bare, tx.now_ms, user_id))
    tx.erasures.forget_client_ids(user_id, message_ids)


def _is_of(message: Message, user_id: str) -> bool:
    origin = message.forwarded_from
    return message.sender_id == user_id or (origin is not None and origin.sender_id == user_id)


def _is_held(tx: Transaction, conversation_id: str, author_id: str) -> bool:
    conversation, author = tx.conversation(conversation_id), tx.user(author_id)
    return (conversation is not None and conversation.hold) or (author is not None and author.hold)


def _remove_reactions(tx: Transaction, user_id: str, message_ids: Sequence[int]) -> None:
    for message_id in message_ids:
        message = tx.message(message_id)
        for reaction in () if message is None else message.reactions:
            if message is not None and tx.parts.has_reacted(message_id, user_id, reaction.emoji):
                left = tuple(tx.parts.reactions_without(message_id, user_id, reaction.emoji))
                message = replace(message, reactions=left)
                tx.record(MessageReacted(tx.next_pos(), tx.now_ms, message, user_id, reaction.emoji, added=False))


def _redact_offers(tx: Transaction, user_id: str, offer_ids: Sequence[int]) -> None:
    """Removes an erased user's texts from the user's offers (proposed prices) and from counter-offers that have them.
    Skips offers on hold (which must not be deleted)."""
    for offer_id in offer_ids:
        offer = tx.offers.find(offer_id)
        if offer is None or offer.deleted_ms is not None or _is_held(tx, offer.conversation_id, offer.author_id):
            continue
        left = redacted(offer, tx.now_ms, user_id)
        if left != offer:
            tx.record(OfferUpdated(tx.next_pos(), tx.now_ms, left))


def _hand_over(tx: Transaction, user_id: str) -> bool:
    """Gives the ownership of some of the erased user's conversations to other members. Returns whether there may be
    more of them."""
    conversation_ids = tx.erasures.owned_conversations(user_id)
    for conversation_id in conversation_ids:
        owner = tx.member(conversation_id, user_id)
        if owner is not None:
            give_role(tx, owner, "member")
        successor = tx.next_owner(conversation_id, user_id)
        if successor is not None:
            give_role(tx, successor, "owner")
    return bool(conversation_ids)


def end_erasure(tx: Transaction, actor: Actor, command: EndErasure) -> None:
    must_be_operator(actor)
    pending = tx.erasures.pending(command.user_id)
    if pending is not None and pending.stage == "bytes":
        tx.erasures.end(command.user_id)


def is_erased(snapshot: Snapshot, actor: Actor, query: IsErased) -> bool:
    must_be_operator(actor)
    user = snapshot.user(query.user_id)
    return user is not None and user.erased is not None and snapshot.erasures.pending(user.id) is None


CHANGES: Changes = MappingProxyType(
    {
        EraseUser: ChangeHandler(erase_user, check_erase),
        TakeErasureStep: ChangeHandler(take_step),
        EndErasure: ChangeHandler(end_erasure),
    }
)

QUERIES: Queries = MappingProxyType({FindErasureStep: find_step, IsErased: is_erased})
