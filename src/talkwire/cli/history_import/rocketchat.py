"""Reads the collections of a Rocket.Chat database into a `Staging` (the temporary database of everything to import).

mongoexport or bsondump writes the collections: a JSON document a line, in MongoDB's extended JSON
(https://www.mongodb.com/docs/database-tools/mongoexport/).

    users.json, rocketchat_room.json, rocketchat_message.json; rocketchat_subscription.json, rocketchat_uploads.json

Files are in `uploads/`, named by their ids, as Rocket.Chat's file system store writes them. The export that Rocket.Chat
itself offers to users is not supported, since it has single rooms only, without the users.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from talkwire.cli.history_import.archive import Archive, items_of, ms_of, object_of, text_of, texts_of
from talkwire.cli.history_import.cards import card_as_quote, says_in_parts
from talkwire.cli.history_import.emoji import emoji_named
from talkwire.cli.history_import.people import shown_as
from talkwire.cli.history_import.slack_blocks import SlackBlocks
from talkwire.cli.history_import.source import (
    CALL,
    DELETED,
    NO_TEXT,
    InvalidExport,
    SourceConversation,
    SourceFile,
    SourceMessage,
    SourceQuote,
    SourceUser,
)
from talkwire.cli.history_import.staging import Staging
from talkwire.cli.history_import.texts import from_rocketchat, storable

_MESSAGES = "rocketchat_message"
_UPLOADS = "uploads/"
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_QUOTED = re.compile(r"[?&]msg=([^&#()\s]+)")

_QUOTE_LINK = re.compile(r"\[ *\]\(([^()\s]*[?&]msg=([^&#()\s]+)[^()\s]*)\)")
"""Pattern of a link to a quoted message. The link stands before the text of the message that quotes."""

_NOTICES = {
    "uj": "Has joined the room.",
    "ul": "Has left the room.",
    "room_changed_topic": "Changed the topic.",
    "room_changed_announcement": "Changed the announcement.",
    "discussion-created": "Started a discussion.",
}
_KINDS = {"l": "rooms of visitors (omnichannel)", "v": "calls and huddles", "e": "encrypted rooms"}


def read_rocketchat(archive: Archive, staging: Staging) -> None:
    """Reads the collections of a Rocket.Chat database into the staging (the temporary database of everything to
    import).
    """
    reader = _Reader(archive, staging)
    for raw in reader.documents("users"):
        reader.read_user(raw)
    for raw in reader.documents("rocketchat_subscription", optional=True):
        reader.read_subscription(raw)
    for raw in reader.documents("rocketchat_room"):
        reader.read_room(raw)
    for raw in reader.documents("rocketchat_uploads", optional=True):
        reader.read_upload(raw)
    for raw in reader.documents(_MESSAGES):
        reader.read_message(raw)


class _Reader:
    def __init__(self, archive: Archive, staging: Staging) -> None:
        self._archive = archive
        self._staging = staging
        self._members: dict[str, dict[str, None]] = {}
        """The users of each room, in order, by the room's key."""
        self._roles: dict[str, dict[str, str]] = {}
        self._names_of_files: dict[str, str] = {}
        self._root = archive.folder_of("rocketchat_room.json", "rocketchat_message.json")
        if self._root is None:
            self._root = archive.folder_of("users.json") or ""
        self._files = {
            name.rpartition("/")[2].partition(".")[0]: name for name in archive.names() if _UPLOADS in f"/{name}"
        }

    def documents(self, collection: str, *, optional: bool = False) -> Iterator[dict[str, Any]]:
        name = f"{self._root}{collection}.json"
        is_there = name in self._archive
        if not is_there and not optional:
            raise InvalidExport(f"{self._archive.path}: has no {name}: export it with mongoexport")
        for line, raw in self._archive.objects(name) if is_there else ():
            document = None if raw is None else _document(raw)
            self._staging.found += collection == _MESSAGES
            if document is not None:
                yield document
            elif line == 1:
                raise InvalidExport(
                    f"{self._archive.path}: {name} does not begin with a JSON object: "
                    "export it with mongoexport, and without --jsonArray"
                )
            else:
                count = self._staging.lose if collection == _MESSAGES else self._staging.drop
                count("lines that are not JSON")

    def read_user(self, raw: dict[str, Any]) -> None:
        key = text_of(raw.get("_id"))
        if not key:
            self._staging.drop("users without an id")
            return
        emails = [text_of(each.get("address")) for each in items_of(raw.get("emails"))]
        username = text_of(raw.get("username"))
        self._staging.people.add(
            SourceUser(
                key,
                storable(text_of(raw.get("name")) or username or key),
                username or None,
                next(filter(None, emails), None),
                deactivated=raw.get("active") is False,
            )
        )
        for room in texts_of(raw.get("__rooms")):
            self._join(room, key)

    def read_subscription(self, raw: dict[str, Any]) -> None:
        room, user = text_of(raw.get("rid")), text_of(object_of(raw.get("u")).get("_id"))
        if room and user:
            self._join(room, user)
            roles = texts_of(raw.get("roles"))
            if "owner" in roles or "moderator" in roles or "leader" in roles:
                self._roles.setdefault(room, {})[user] = "owner" if "owner" in roles else "admin"

    def _join(self, room: str, user: str) -> None:
        if user in self._staging.people:
            self._members.setdefault(room, {})[user] = None

    def read_room(self, raw: dict[str, Any]) -> None:
        key, kind = text_of(raw.get("_id")), text_of(raw.get("t"))
        if not key:
            self._staging.drop("rooms without an id")
            return
        if kind not in {"c", "p", "d"}:
            self._staging.drop(_KINDS.get(kind, f"rooms of the type {kind[:20] or 'none'}"))
            return
        people = self._staging.people
        members = list(self._members.get(key, ()))
        if kind == "d":
            members = [user for user in dict.fromkeys(texts_of(raw.get("uids"))) if user in people] or members
        if kind == "d" and len(members) in {1, 2}:
            self._staging.add_conversation(SourceConversation(key, "direct", members, created_ms=_ms(raw.get("ts"))))
            return
        if raw.get("encrypted") is True:
            self._staging.drop("rooms with encryption (their encrypted messages)")
        description = "\n".join(filter(None, (text_of(raw.get("description")), text_of(raw.get("announcement")))))
        self._staging.add_conversation(
            SourceConversation(
                key,
                "channel" if raw.get("ro") is True else "group",
                members,
                name=storable(text_of(raw.get("fname")) or text_of(raw.get("name"))) or None,
                public=kind == "c",
                topic=from_rocketchat(text_of(raw.get("topic")), people),
                description=from_rocketchat(description, people),
                created_ms=_ms(raw.get("ts")),
                archived=raw.get("archived") is True,
                roles=self._roles_of(key, members, text_of(object_of(raw.get("u")).get("_id"))),
            )
        )

    def _roles_of(self, room: str, members: list[str], creator: str) -> dict[str, Any]:
        """Returns the roles of the owner and the admins among a room's members, by user key.

        A room has one owner on the server: its creator if the creator is an owner in Rocket.Chat, otherwise the first
        of the owners there. Other owners become admins. In a room without roles, the creator becomes the owner.
        """
        present = self._members.get(room, {})
        given = {user: role for user, role in self._roles.get(room, {}).items() if user in present}
        owners = [user for user, role in given.items() if role == "owner"]
        if not given and creator in members:
            return {creator: "owner"}
        owner = creator if creator in owners else next(iter(owners), None)
        return {user: "owner" if user == owner else "admin" for user in given}

    def read_upload(self, raw: dict[str, Any]) -> None:
        if text_of(raw.get("name")):
            self._names_of_files[text_of(raw.get("_id"))] = storable(text_of(raw.get("name")))

    def read_message(self, raw: dict[str, Any]) -> None:
        staging = self._staging
        room, key, created = text_of(raw.get("rid")), text_of(raw.get("_id")), _ms(raw.get("ts"))
        reason, note = _unwanted(raw)
        if not key or created is None:
            staging.lose(reason or "messages without an id or a time")
            return
        if not staging.has_conversation(room):
            staging.lose(reason or "messages of rooms that are not imported")
            return
        thread = text_of(raw.get("tmid")) or None
        text = "" if reason else self._text(raw)
        quotes, files = ([], []) if reason else (list(self._quotes(raw)), list(self._attached(raw)))
        if not text.strip() and not files and not quotes:
            author = self._author(raw)
            message = SourceMessage(room, key, author.key, created * 1000, note or NO_TEXT, thread=thread)
            message.skipped, message.author = reason or _emptiness(raw), author
            staging.add_message(message)
            return
        edited = _ms(raw.get("editedAt"))
        staging.add_message(
            SourceMessage(
                room,
                key,
                self._sender(raw),
                created * 1000,
                text,
                edited_ms=edited if edited is not None and edited > created else None,
                thread=thread,
                quotes=quotes,
                pinned=raw.get("pinned") is True,
                reactions=self._reactions(raw),
                files=files,
            )
        )

    def _text(self, raw: dict[str, Any]) -> str:
        """Returns the text of a message as Markdown, with its cards as quotes, and without the links to the messages
        that it quotes."""
        own = self._markup(text_of(raw.get("msg")))
        blocks = SlackBlocks(self._staging.people, {}, self._staging.drop).text(raw.get("blocks"))
        parts = [own, "" if says_in_parts(own, blocks) else blocks]
        for card in items_of(raw.get("attachments")):
            if not _quoted_key(card):
                # The file is attached, so it needs no name in the text.
                is_file = "title_link_download" in card
                parts.append(self._card({"description": card.get("description")} if is_file else card))
        return "\n".join(filter(str.strip, parts))

    def _markup(self, text: str) -> str:
        text, count = _QUOTE_LINK.subn("", text)
        return from_rocketchat(text.strip() if count else text, self._staging.people)

    def _quotes(self, raw: dict[str, Any]) -> Iterator[SourceQuote]:
        """Yields the messages that a message quotes. Of a quote whose text the export lacks, the text is the link."""
        shown = {key: card for card in items_of(raw.get("attachments")) if (key := _quoted_key(card))}
        links = {key: link for link, key in _QUOTE_LINK.findall(storable(text_of(raw.get("msg"))))}
        for key in dict.fromkeys((*shown, *links)):
            text = self._card(shown[key]) if key in shown else ""
            yield SourceQuote(key, text or links.get(key, ""))

    def _card(self, card: dict[str, Any], levels: int = 3) -> str:
        """Returns a card or a quoted message as a quote in Markdown, with those in it, up to so many levels."""
        people = self._staging.people
        author = people.get(people.key_of_handle(text_of(card.get("author_name"))) or "")
        inside = [self._markup(text_of(card.get("description")))]
        further = items_of(card.get("attachments"))
        if levels:
            inside += [self._card(each, levels - 1) for each in further]
        else:
            self._staging.drop("attachments that are nested too deep", len(further))
        is_quote = bool(_quoted_key(card))
        named = {**card, "author_name": author.name} if is_quote and author is not None else card
        return card_as_quote(named, self._markup, "\n".join(filter(str.strip, inside)), names_link=not is_quote)

    def _sender(self, raw: dict[str, Any]) -> str:
        author = self._author(raw)
        self._staging.people.add(author)
        return author.key

    def _author(self, raw: dict[str, Any]) -> SourceUser:
        author = object_of(raw.get("u"))
        key, username = text_of(author.get("_id")) or "unknown", text_of(author.get("username"))
        name, alias = storable(text_of(author.get("name")) or username or key), storable(text_of(raw.get("alias")))
        user = self._staging.people.get(key) or SourceUser(key, name, username or None)
        return user if alias.strip() in {"", user.name, user.handle} else shown_as(key, alias)

    def _reactions(self, raw: dict[str, Any]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        people = self._staging.people
        for name, given in object_of(raw.get("reactions")).items():
            usernames = texts_of(object_of(given).get("usernames"))
            emoji = emoji_named(name)
            if emoji is None:
                self._staging.drop("reactions with custom emoji", max(1, len(usernames)))
                continue
            keys = [people.key_of_handle(username) for username in usernames]
            self._staging.drop("reactions whose user the export does not name", keys.count(None))
            users = found.setdefault(emoji, [])
            users += [key for key in keys if key is not None and key not in users]
            if not users:
                del found[emoji]
        return found

    def _attached(self, raw: dict[str, Any]) -> Iterator[SourceFile]:
        files = items_of(raw.get("files")) or items_of([raw.get("file")])
        for each in files:
            key, name = text_of(each.get("_id")), text_of(each.get("name"))
            if name.startswith("thumb-") and len(files) > 1:
                continue
            shown = self._names_of_files.get(key) or storable(name) or key or "file"
            yield SourceFile(shown, self._archive.find(self._files.get(key, "")))


def _quoted_key(card: dict[str, Any]) -> str:
    """Returns the key of the message that a card quotes; an empty text for another card."""
    found = _QUOTED.search(text_of(card.get("message_link")))
    return "" if found is None else found[1]


def _emptiness(raw: dict[str, Any]) -> str:
    """Returns by which description a message without text, files and quotes is counted."""
    return "messages of apps without words" if raw.get("attachments") or raw.get("blocks") else "empty messages"


def _unwanted(raw: dict[str, Any]) -> tuple[str | None, str]:
    """Returns a pair: why a document of the message collection is not imported, such as "deleted messages", and the
    text that stands for it where it begins a thread. The first is None if the document is imported."""
    kind = text_of(raw.get("t"))
    if kind == "rm" or raw.get("_hidden") is True:
        return "deleted messages", DELETED
    if kind == "e2e":
        return "encrypted messages", "An encrypted message."
    if kind in {"videoconf", "jitsi_call_started"}:
        return "calls and huddles", CALL
    if kind:
        return f"notices ({kind[:40]})", _NOTICES.get(kind, "A notice.")
    return None, ""


def _document(raw: dict[str, Any]) -> dict[str, Any] | None:
    """Returns a document of MongoDB's extended JSON as plain JSON; None if it is nested too deep."""
    try:
        return object_of(_plain(raw))
    except RecursionError:
        return None


def _plain(value: object) -> object:
    """Returns a value of MongoDB's extended JSON as plain JSON; times become milliseconds since 1970."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((kind, inner),) = value.items()
        match kind, inner:
            case "$oid", str():
                return inner
            case (("$numberLong" | "$numberInt"), str()) if _INTEGER.fullmatch(inner):
                return int(inner)
            case "$date", _:
                return _date(_plain(inner))
    return {key: _plain(each) for key, each in value.items()}


def _date(value: object) -> int | None:
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return None
        time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
        return int(time.timestamp() * 1000)
    return value if isinstance(value, int) else None


def _ms(value: object) -> int | None:
    """Returns a time in milliseconds since 1970, from such a number or from a text in ISO 8601; None for any other
    value.
    """
    return ms_of(_date(value))
