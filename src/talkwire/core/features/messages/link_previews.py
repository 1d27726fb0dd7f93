"""Previews of the links in messages. The server fetches previews after a message was sent, and then stores them with
the message."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.messages import FetchedPreview, RemoveLinkPreviews, SetLinkPreviews
from talkwire.core.domain.access import may_act, must_be_operator, must_be_visible, require
from talkwire.core.domain.errors import forbidden
from talkwire.core.domain.events import LinkPreviewsChanged
from talkwire.core.domain.model import WHOLE, Actor, File, LinkPreview, Message
from talkwire.core.features.messages.files import attachment_of
from talkwire.core.features.messages.messages import (
    existing_message,
    must_not_be_deleted,
    needs_of_change,
    participation_of,
)
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

TITLE_MAX = 200
"""Most characters of a linked page's title, and of its site's name, that a preview has."""

DESCRIPTION_MAX = 400
"""Most characters of a linked page's description that a preview has."""


def set_previews(tx: Transaction, actor: Actor, command: SetLinkPreviews) -> None:
    """Stores fetched previews with a message. Does nothing if the message was edited or deleted in the meantime, or if
    a user has removed its previews."""
    must_be_operator(actor)
    message = tx.message(command.message_id)
    if message is None or message.deleted_ms is not None or message.without_previews:
        return
    author = tx.user(message.sender_id)
    if message.content != command.content or author is None or author.erased:
        return
    files = tx.files.of_ids({each.image_id for each in command.previews if each.image_id is not None})
    previews = tuple(_preview(each, files.get(each.image_id or ""), message) for each in command.previews)
    if previews != message.previews:
        tx.record(LinkPreviewsChanged(tx.next_pos(), tx.now_ms, replace(message, previews=previews)))


def _preview(fetched: FetchedPreview, image: File | None, message: Message) -> LinkPreview:
    is_usable = image is not None and image.width is not None and image.owner_id == message.sender_id
    return LinkPreview(
        url=fetched.url,
        title=fetched.title[:TITLE_MAX],
        description=None if fetched.description is None else fetched.description[:DESCRIPTION_MAX],
        site_name=None if fetched.site_name is None else fetched.site_name[:TITLE_MAX],
        image=attachment_of(image) if is_usable and image is not None else None,
    )


def remove_previews(tx: Transaction, actor: Actor, command: RemoveLinkPreviews) -> Message:
    """Removes the link previews of a message and returns the message. Raises `forbidden` for an ordinary user who did
    not send it."""
    message = existing_message(tx, command.message_id)
    if actor.is_trusted:
        require(may_act(tx.user(actor.user_id)))
        history = WHOLE
    else:
        part = participation_of(tx, actor.user_id, message.conversation_id)
        history = part.member.history
        must_be_visible(message, history)
        if message.sender_id != actor.user_id:
            raise forbidden("not_author")
    must_not_be_deleted(message)
    if not message.without_previews:
        message = replace(message, previews=(), without_previews=True)
        tx.record(LinkPreviewsChanged(tx.next_pos(), tx.now_ms, message))
    return must_be_visible(message, history)


def kept_previews(message: Message, content: str) -> tuple[LinkPreview, ...]:
    """Returns the previews that a message keeps when its text is changed to `content`: those of links that it still
    contains."""
    return tuple(preview for preview in message.previews if preview.url in content)


CHANGES: Changes = MappingProxyType(
    {
        SetLinkPreviews: ChangeHandler(set_previews),
        RemoveLinkPreviews: ChangeHandler(remove_previews, None, needs_of_change),
    }
)
