"""Adds and removes reactions (emoji) of users to messages. Users who can see a message may react to it, also in
channels where they may not write."""

from __future__ import annotations

from types import MappingProxyType
from unicodedata import category

from msgspec.structs import replace

from talkwire.core.commands.messages import React, Unreact
from talkwire.core.domain.access import acting_as, blocked, history_of, must_be_visible
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.events import MessageReacted
from talkwire.core.domain.model import REACTION_USERS_MAX, Actor, HistoryStart, Message, Reaction
from talkwire.core.domain.texts import check_id, check_text
from talkwire.core.features.messages.messages import must_not_be_deleted, needs_of_change, visible_message
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

EMOJI_MAX_LENGTH = 32
"""Longest emoji of a reaction, in characters."""

EMOJI_PER_MESSAGE = 20
"""Most different emoji of the reactions to one message."""

_INVISIBLE = frozenset({"Cf", "Mn", "Me"})  # joiners and modifiers of other characters, which are invisible alone
_REFUSED = frozenset({"Cc", "Cn", "Cs", "Zs", "Zl", "Zp"})


def check_reaction(command: React | Unreact) -> None:
    """Raises `invalid_request` for an invalid emoji or sender id in a command."""
    check_emoji("emoji", command.emoji)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def check_emoji(path: str, emoji: str) -> None:
    """Raises `invalid_request` unless the text is an emoji or a name of one, without spaces and at most
    `EMOJI_MAX_LENGTH` characters long. `path` names the field in the error."""
    check_text(path, emoji)
    kinds = {category(character) for character in emoji}
    if len(emoji) > EMOJI_MAX_LENGTH or kinds <= _INVISIBLE or kinds & _REFUSED:
        raise invalid(path, f"must be an emoji or a name: 1 to {EMOJI_MAX_LENGTH} characters without spaces")


def react(tx: Transaction, actor: Actor, command: React) -> Message:
    """Adds a user's reaction to a message and returns the message. Repeating it changes nothing. Raises `forbidden` or
    `blocked` if the user may not react, and `invalid_request` for a deleted message or if the message has
    `EMOJI_PER_MESSAGE` different emoji."""
    message, user_id, history = _reactable(tx, actor, command)
    given = next((reaction for reaction in message.reactions if reaction.emoji == command.emoji), None)
    if given is None and len(message.reactions) >= EMOJI_PER_MESSAGE:
        raise invalid("emoji", f"a message can have at most {EMOJI_PER_MESSAGE} different emoji")
    if given is None or not _has_reacted(tx, message, given, user_id):
        reactions = with_reaction(message.reactions, command.emoji, user_id)
        message = _record(tx, message, user_id, command, reactions)
    return must_be_visible(message, history)


def unreact(tx: Transaction, actor: Actor, command: Unreact) -> Message:
    """Removes a user's reaction from a message and returns the message. Does nothing if the user has not reacted with
    this emoji. Raises `forbidden` or `blocked` if the user may not react, and `invalid_request` for a deleted message.
    """
    message, user_id, history = _reactable(tx, actor, command)
    given = next((reaction for reaction in message.reactions if reaction.emoji == command.emoji), None)
    if given is not None and _has_reacted(tx, message, given, user_id):
        reactions = tuple(tx.parts.reactions_without(message.id, user_id, command.emoji))
        message = _record(tx, message, user_id, command, reactions)
    return must_be_visible(message, history)


def with_reaction(reactions: tuple[Reaction, ...], emoji: str, user_id: str) -> tuple[Reaction, ...]:
    """Returns a message's reactions after adding a user's reaction, in the order in which each emoji was first used.
    The user must not have given this reaction yet."""
    if all(reaction.emoji != emoji for reaction in reactions):
        return (*reactions, Reaction(emoji, 1, (user_id,)))
    return tuple(_with_user(reaction, user_id) if reaction.emoji == emoji else reaction for reaction in reactions)


def _with_user(reaction: Reaction, user_id: str) -> Reaction:
    user_ids = (*reaction.user_ids, user_id)[:REACTION_USERS_MAX]
    return replace(reaction, count=reaction.count + 1, user_ids=user_ids)


def _reactable(tx: Transaction, actor: Actor, command: React | Unreact) -> tuple[Message, str, HistoryStart]:
    """Returns the message, the id of the user in whose name the actor reacts to it, and the point from which the actor
    sees the conversation, which limits what the returned message quotes.

    Raises `forbidden` if that user may not see the message, `invalid_request` if it was deleted, and `blocked` in a
    direct conversation where one user has blocked the other.
    """
    user_id = acting_as(actor, command.sender_id)
    message, part = visible_message(tx, user_id, command.message_id)
    must_not_be_deleted(message)
    if part.conversation.blocked:
        raise blocked()
    return message, user_id, history_of(actor, part.member)


def _has_reacted(tx: Transaction, message: Message, reaction: Reaction, user_id: str) -> bool:
    """Returns whether the user has given this reaction to the message. The message contains only the first users of a
    reaction, so others are looked up in the database."""
    if user_id in reaction.user_ids:
        return True
    return reaction.count > len(reaction.user_ids) and tx.parts.has_reacted(message.id, user_id, reaction.emoji)


def _record(
    tx: Transaction, message: Message, user_id: str, command: React | Unreact, reactions: tuple[Reaction, ...]
) -> Message:
    changed = replace(message, reactions=reactions)
    added = isinstance(command, React)
    tx.record(MessageReacted(tx.next_pos(), tx.now_ms, changed, user_id, command.emoji, added))
    return changed


CHANGES: Changes = MappingProxyType(
    {
        React: ChangeHandler(react, check_reaction, needs_of_change),
        Unreact: ChangeHandler(unreact, check_reaction, needs_of_change),
    }
)
