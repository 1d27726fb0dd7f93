"""Reads the data for an export of a user or a conversation.

A user's export contains what they may see now: their profile, their conversations and the messages in the parts of them
that are visible to the user; also what they wrote in conversations that they have left. It contains only those files
that the user uploaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from talkwire.core.commands.conversations import ConversationView
from talkwire.core.commands.server.export import CheckExport
from talkwire.core.domain.access import erased, messages_for_reader, must_be_trusted
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import (
    WHOLE,
    Actor,
    ConversationPreferences,
    File,
    HistoryStart,
    Message,
    SavedMessage,
    User,
)
from talkwire.core.domain.texts import check_id
from talkwire.core.features.conversations.archive import conversation_preferences_of
from talkwire.core.features.conversations.conversations import views_of
from talkwire.core.features.messages.saved import SAVED_MAX, saved_at
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.stores import OwnChoice, OwnRating
from talkwire.core.ports.transaction import Snapshot

EXPORT_PAGE = 100
"""Number of rows that an export reads at once."""


def check_export(snapshot: Snapshot, actor: Actor, query: CheckExport) -> User:
    check_id("userId", query.user_id)
    if actor.user_id != query.user_id:
        must_be_trusted(actor)
    return exported_user(snapshot, query.user_id)


def exported_user(snapshot: Snapshot, user_id: str) -> User:
    """Returns the user to export. Raises `not_found` for an unknown user, and `conflict` for an erased one."""
    user = snapshot.user(user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    if user.erased:
        raise erased(user_id)
    return user


def conversations_of(snapshot: Snapshot, user_id: str) -> Iterator[ConversationView]:
    """Yields the conversations that the user is a member of, as the user sees them, in the order of their ids."""
    after_id: str | None = None
    while found := snapshot.all_conversations(user_id, after_id, EXPORT_PAGE, notes=True):
        yield from views_of(snapshot, user_id, found)
        after_id = found[-1].id


def preferences_in(snapshot: Snapshot, user_id: str) -> Mapping[str, ConversationPreferences]:
    """Returns conversation id -> the user's settings for it, only where they differ from the default."""
    found = {
        view.conversation.id: conversation_preferences_of(view.reader, archived=view.archived)
        for view in conversations_of(snapshot, user_id)
        if view.reader is not None
    }
    return {id_: each for id_, each in found.items() if each != ConversationPreferences()}


def saved_by(snapshot: Snapshot, user_id: str) -> Sequence[SavedMessage]:
    """Returns the messages that the user has saved and may see now, last saved first."""
    return saved_at(snapshot, user_id, snapshot.saved.of_user(user_id, None, None, SAVED_MAX))


def conversation_with(snapshot: Snapshot, conversation_id: str) -> ConversationView:
    """Returns a conversation with its members. Raises `not_found` for an unknown or deleted conversation."""
    conversation = snapshot.conversation(conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        raise ChatError("not_found", "No such conversation.")
    return views_of(snapshot, "", [conversation], members_max=conversation.member_count)[0]


def with_notes(snapshot: Snapshot, conversation_id: str) -> Iterator[ConversationView]:
    """Yields a conversation and, if it has notes, the conversation with these. Raises `not_found` for an unknown or
    deleted conversation."""
    view = conversation_with(snapshot, conversation_id)
    yield view
    if view.conversation.notes_id is not None:
        yield conversation_with(snapshot, view.conversation.notes_id)


def messages_of(snapshot: Snapshot, user_id: str) -> Iterator[Sequence[Message]]:
    """Yields pages of the messages that the user may see now, and of the user's own messages in conversations that they
    have left."""
    for view in conversations_of(snapshot, user_id):
        history = WHOLE if view.reader is None else view.reader.history
        yield from messages_in(snapshot, view.conversation.id, history)
    for conversation_id in snapshot.exports.former_conversations(user_id):
        after_seq = 0
        while found := snapshot.exports.messages_from(conversation_id, user_id, after_seq, EXPORT_PAGE):
            yield found
            after_seq = found[-1].seq


def messages_in(snapshot: Snapshot, conversation_id: str, history: HistoryStart = WHOLE) -> Iterator[Sequence[Message]]:
    """Yields pages of a conversation's messages, oldest first, from where the visible part (`history`) begins. Deleted
    messages and replies in threads are among them."""
    after_seq = history.seq
    while found := snapshot.messages(conversation_id, after_seq=after_seq, limit=EXPORT_PAGE):
        yield messages_for_reader(found, history)
        after_seq = found[-1].seq


def choices_of(snapshot: Snapshot, user_id: str) -> Iterator[OwnChoice]:
    """Yields what the user has chosen of cards."""
    after_id = 0
    while found := snapshot.cards.of_user(user_id, after_id, EXPORT_PAGE):
        yield from found
        after_id = found[-1].message_id


def ratings_of(snapshot: Snapshot, user_id: str) -> Iterator[OwnRating]:
    """Yields the ratings that the user has given to messages of agents."""
    after_id = 0
    while found := snapshot.ratings.of_user(user_id, after_id, EXPORT_PAGE):
        yield from found
        after_id = found[-1].message_id


def files_of(snapshot: Snapshot, user_id: str) -> Iterator[File]:
    """Yields the files that the user has uploaded."""
    after_id = ""
    while found := snapshot.exports.files_of(user_id, after_id, EXPORT_PAGE):
        yield from found
        after_id = found[-1].id


def files_in(snapshot: Snapshot, conversation_id: str) -> Iterator[File]:
    """Yields the files that are attached to messages of a conversation."""
    after_id = ""
    while found := snapshot.exports.files_in(conversation_id, after_id, EXPORT_PAGE):
        yield from found
        after_id = found[-1].id


QUERIES: Queries = MappingProxyType({CheckExport: check_export})
