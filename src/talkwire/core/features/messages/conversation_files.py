"""Lists the files that a conversation's messages show, by kind: pictures and film, sound, and other files.

The list is read from an index of the links between files and messages, so its cost does not grow with the number of
messages. Files at external addresses are not listed.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from talkwire.core.commands.command import Page
from talkwire.core.commands.files import FileInMessage, ListFiles
from talkwire.core.domain.access import history_for, message_for_reader
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import FILE_KINDS, SEQ_MAX, Actor, HistoryStart
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.domain.texts import check_id
from talkwire.core.features.messages.messages import size_of
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.stores import FilePlace
from talkwire.core.ports.transaction import Snapshot

_CURSOR = re.compile(r"([0-9]{1,19})\.([0-9a-zA-Z_-]{1,128})", re.ASCII)


def list_files(snapshot: Snapshot, actor: Actor, query: ListFiles) -> Page[FileInMessage]:
    """Returns a page of the files that the actor may see in a conversation, with their messages; files of the newest
    message come first. Raises `forbidden` unless the actor may read the conversation."""
    check_id("conversationId", query.conversation_id)
    if query.kind is not None and query.kind not in FILE_KINDS:
        raise invalid("kind", f"must be one of {', '.join(FILE_KINDS)}")
    history = history_for(snapshot, actor, query.conversation_id)
    before = None if query.cursor is None else _place(query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    kinds = FILE_KINDS if query.kind is None else (query.kind,)
    found = sorted(
        (
            place
            for kind in kinds
            for place in snapshot.parts.file_places(query.conversation_id, kind, history.seq, before, limit + 1)
        ),
        reverse=True,
    )
    places = found[:limit]
    files = _files(snapshot, places, history)
    shown = within_bytes(places, lambda place: size_of(files[place].message) if place in files else 0)
    is_last = len(shown) == len(found)
    items = tuple(files[place] for place in shown if place in files)
    return Page(items, None if is_last else f"{shown[-1].seq}.{shown[-1].file_id}")


def _place(cursor: str) -> tuple[int, str]:
    match = _CURSOR.fullmatch(cursor)
    if match is None or int(match[1]) > SEQ_MAX:
        raise invalid("cursor", "must be `next` of a page of this list")
    return int(match[1]), match[2]


def _files(snapshot: Snapshot, places: list[FilePlace], history: HistoryStart) -> dict[FilePlace, FileInMessage]:
    """Returns place -> file and its message, for places of the list (ids of a message and a file). Leaves out files
    whose message was deleted, or is older than the point from which the reader sees the conversation (`history`)."""
    messages = snapshot.parts.messages_by_id({place.message_id for place in places})
    files: dict[FilePlace, FileInMessage] = {}
    for place in places:
        message = messages.get(place.message_id)
        seen = None if message is None or message.deleted_ms is not None else message_for_reader(message, history)
        for attachment in () if seen is None else seen.attachments:
            if attachment.id == place.file_id:
                assert seen is not None
                files[place] = FileInMessage(attachment, seen)
    return files


QUERIES: Queries = MappingProxyType({ListFiles: list_files})
