"""Reads which messages a file is attached to, and which users can see the file through such a message."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import ColumnElement, Connection, exists, select

from talkwire.storage.messages.messages import is_live
from talkwire.storage.schema import conversations, file_links, members
from talkwire.storage.sql.batch import insert_rows
from talkwire.storage.tables.files import FileRows, WritableFileRows

PREVIEW = "preview"
"""Value of `kind` of pictures of link previews, which the lists of a conversation's files do not contain."""

insert_links = insert_rows(file_links, ("file_id", "message_id", "conversation_id", "seq", "kind"))

_of_a_live_message: tuple[ColumnElement[bool], ...] = is_live(file_links.c.message_id)


class AttachedFileRows(FileRows):
    """Reads the tables of files, including their attachments to messages. Implements `core.ports.stores.Files`.
    `attached_among` and `is_attached` first call `write_links`, which writes the attachments that the transaction has
    only staged."""

    def __init__(self, connection: Connection, write_links: Callable[[], None] = lambda: None) -> None:
        super().__init__(connection)
        self._write_links = write_links

    def attached_among(self, file_ids: Collection[str]) -> frozenset[str]:
        self._write_links()
        linked = select(file_links.c.file_id).where(file_links.c.file_id.in_(file_ids), *_of_a_live_message)
        return frozenset(self._connection.execute(linked.distinct()).scalars())

    def is_attached(self, file_id: str) -> bool:
        self._write_links()
        return self._any(exists().where(file_links.c.file_id == file_id, *_of_a_live_message))

    def is_visible(self, file_id: str) -> bool:
        return self._any(
            exists().where(
                file_links.c.file_id == file_id,
                *_of_a_live_message,
                conversations.c.id == file_links.c.conversation_id,
                conversations.c.deleted_ms.is_(None),
            )
        )

    def is_visible_to(self, file_id: str, user_id: str) -> bool:
        return self._any(
            exists().where(
                file_links.c.file_id == file_id,
                *_of_a_live_message,
                members.c.conversation_id == file_links.c.conversation_id,
                members.c.user_id == user_id,
                file_links.c.seq > members.c.history_seq,
            )
        )


class WritableAttachedFileRows(AttachedFileRows, WritableFileRows):
    """Implements `core.ports.stores.WritableFiles`."""
