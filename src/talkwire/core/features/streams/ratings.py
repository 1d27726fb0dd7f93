"""Ratings: members say of an agent's message whether it was good.

How many have rated a message so is for its author, the agent's owner, the conversation's owner and admins, and the
application's backend; others see their own rating alone.
"""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.streams.rating import COMMENT_MAX_LENGTH, GetRating, MessageRating, RateMessage
from talkwire.core.domain.access import acting_as, blocked, history_for, is_owner_or_admin, must_be_visible
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import MessageRated
from talkwire.core.domain.model import Actor, Message, User, message_number
from talkwire.core.domain.texts import check_id, check_short_text
from talkwire.core.features.messages.messages import must_not_be_deleted, need_message, visible_message
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.stores import GivenRating, RatingSums
from talkwire.core.ports.transaction import Lookups, Prefetch, Snapshot, Transaction

_NONE = GivenRating(0, None)


def needs_of_rating(actor: Actor, command: RateMessage, needs: Prefetch) -> None:
    """Adds the message's id to `needs`, the keys of rows that the writer fetches for a whole batch of commands before
    it executes them."""
    need_message(needs, command.message_id)


def check_rating(command: RateMessage) -> None:
    if command.rating not in {1, -1, 0}:
        raise invalid("rating", "must be 1, -1 or 0")
    if command.comment is not None:
        check_short_text("comment", command.comment, COMMENT_MAX_LENGTH)
        if not command.rating:
            raise invalid("comment", "must not be set where the rating is taken back")
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def rate_message(tx: Transaction, actor: Actor, command: RateMessage) -> MessageRating:
    """Stores a user's rating of an agent's message in place of an earlier one, or takes it back. The same again changes
    nothing.

    Raises `forbidden` or `blocked` if the user may not rate it, `invalid_request` for a deleted message, one of a
    person and an own one, and `conflict` for one that has not ended yet.
    """
    user_id = acting_as(actor, command.sender_id)
    message, part = visible_message(tx, user_id, command.message_id)
    author = _rated_author(tx, message)
    if message.sender_id == user_id:
        raise invalid("messageId", "this is your own message")
    if part.conversation.blocked:
        raise blocked()
    if message.is_unfinished:
        text = "This message is still being written. Rate it when it has ended."
        raise ChatError("conflict", text, {"reason": "streaming"}, cause="state_changed")
    given = GivenRating(command.rating, command.comment)
    before, sums = tx.ratings.given(message.id, user_id) or _NONE, tx.ratings.sums(message.id)
    if given != before:
        sums = _changed(sums, before.rating, given.rating)
        tx.record(MessageRated(tx.next_pos(), tx.now_ms, message, user_id, *given, *sums, author.owner_id))
    return MessageRating(message.conversation_id, *given, *(sums if _sees_sums(tx, actor, message, author) else ()))


def _changed(sums: RatingSums, before: int, now: int) -> RatingSums:
    return RatingSums(sums.up + (now == 1) - (before == 1), sums.down + (now == -1) - (before == -1))


def get_rating(snapshot: Snapshot, actor: Actor, query: GetRating) -> MessageRating:
    """Returns the actor's rating of an agent's message, and the sums if the actor may see them. Raises `forbidden` if
    the actor may not see the message, and `invalid_request` for a deleted message or one of a person."""
    number = message_number(query.message_id)
    message = None if number is None else snapshot.message(number)
    if message is None:
        raise forbidden("not_found")
    must_be_visible(message, history_for(snapshot, actor, message.conversation_id))
    author = _rated_author(snapshot, message)
    given = snapshot.ratings.given(message.id, actor.user_id) or _NONE
    sums = snapshot.ratings.sums(message.id) if _sees_sums(snapshot, actor, message, author) else ()
    return MessageRating(message.conversation_id, *given, *sums)


def _rated_author(facts: Lookups, message: Message) -> User:
    """Returns the agent that wrote a message. Raises `invalid_request` for a deleted message and one of a person."""
    must_not_be_deleted(message)
    author = facts.user(message.sender_id)
    if author is None or author.kind != "agent":
        raise invalid("messageId", "must be a message of an agent")
    return author


def _sees_sums(facts: Lookups, actor: Actor, message: Message, author: User) -> bool:
    """Returns whether the actor sees how many users have rated a message of the agent `author` up and down."""
    if actor.is_trusted or actor.user_id in {author.id, author.owner_id}:
        return True
    return is_owner_or_admin(facts.member(message.conversation_id, actor.user_id))


CHANGES: Changes = MappingProxyType({RateMessage: ChangeHandler(rate_message, check_rating, needs_of_rating)})

QUERIES: Queries = MappingProxyType({GetRating: get_rating})
