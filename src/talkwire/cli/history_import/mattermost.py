"""Reads the bulk export of a Mattermost server into a `Staging` (the temporary database of everything to import).

The export is a file with JSON lines, alone or in a zip file or folder with the attachments in `data/`
(https://docs.mattermost.com/manage/bulk-export-tool.html).

Posts have no ids in it. As in Mattermost's own import, a post is recognised by its conversation, its author and its
time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from talkwire.cli.history_import.archive import Archive, items_of, ms_of, object_of, text_of, texts_of
from talkwire.cli.history_import.cards import card_as_quote
from talkwire.cli.history_import.emoji import emoji_named
from talkwire.cli.history_import.people import shown_as
from talkwire.cli.history_import.source import (
    CALL,
    DELETED,
    NO_TEXT,
    InvalidExport,
    SourceConversation,
    SourceFile,
    SourceMessage,
    SourceUser,
)
from talkwire.cli.history_import.staging import Staging
from talkwire.cli.history_import.texts import from_mattermost, storable

_KNOWN_LINES = {"version", "team", "channel", "user", "bot", "post", "direct_channel", "direct_post", "emoji", "info"}
_UNUSED = {"role": "roles", "scheme": "permission schemes", "emoji": "custom emoji"}


PASSES = 2
"""Number of times that the lines of a Mattermost export are read."""


def read_mattermost(archive: Archive, staging: Staging) -> None:
    """Reads a Mattermost export into the staging (the temporary database of everything to import).

    Reads users and channels first, since messages mention them.
    """
    name = _lines_of(archive)
    reader = _Reader(archive, staging, "".join(name.rpartition("/")[:2]))
    _, first = next(archive.objects(name), (0, None))
    if first is None or first.get("type") != "version" or first.get("version") != 1:
        raise InvalidExport(f"{archive.path}: {name} begins with no version 1 of Mattermost's bulk export")
    for _, raw in archive.objects(name):
        if raw is None:
            staging.found += 1
            staging.lose("lines that are not JSON")
        else:
            reader.read_person_or_channel(raw)
    reader.add_channels()
    for _, raw in archive.objects(name):
        if raw is not None:
            reader.read_post(raw)


def _lines_of(archive: Archive) -> str:
    found = [name for name in archive.names() if name.endswith(".jsonl")]
    root = archive.only_folder(found)
    if root is None:
        raise InvalidExport(f"{archive.path}: has no .jsonl file, so it is no bulk export of Mattermost")
    return min(name for name in found if name.rpartition("/")[2] == name.removeprefix(root))


class _Reader:
    """Reads the lines of an export into the staging. `root` is the archive's folder with them."""

    def __init__(self, archive: Archive, staging: Staging, root: str) -> None:
        self._archive = archive
        self._root = root
        self._staging = staging
        self._channels: dict[str, SourceConversation] = {}
        self._members: dict[str, dict[str, None]] = {}
        """The users of each channel, in order, by the channel's key."""

    def read_person_or_channel(self, raw: dict[str, Any]) -> None:
        kind = text_of(raw.get("type"))
        body = object_of(raw.get(kind))
        if kind in {"user", "bot"}:
            self._read_user(body, is_bot=kind == "bot")
        elif kind == "channel":
            self._read_channel(body)
        elif kind == "direct_channel":
            self._read_direct_channel(body)
        elif kind in _UNUSED:
            self._staging.drop(_UNUSED[kind])
        elif kind not in _KNOWN_LINES:
            self._staging.drop(f"lines of the type {kind[:40] or 'none'}")

    def _read_user(self, body: dict[str, Any], *, is_bot: bool) -> None:
        username = text_of(body.get("username"))
        if not username:
            self._staging.drop("users without a name")
            return
        picture = text_of(body.get("profile_image"))
        path = self._path(picture)
        self._staging.drop("pictures of users that the export does not contain", int(bool(picture) and path is None))
        full = f"{text_of(body.get('first_name'))} {text_of(body.get('last_name'))}".strip()
        name = text_of(body.get("nickname")) or full or text_of(body.get("display_name")) or username
        self._staging.people.add(
            SourceUser(
                username,
                storable(name),
                username,
                None if is_bot else text_of(body.get("email")) or None,
                path,
                deactivated=bool(body.get("delete_at")),
            )
        )
        for team in items_of(body.get("teams")):
            for channel in items_of(team.get("channels")):
                self._join(username, _channel_key(text_of(team.get("name")), text_of(channel.get("name"))), channel)

    def _join(self, username: str, key: str, membership: dict[str, Any]) -> None:
        self._members.setdefault(key, {})[username] = None
        conversation = self._channels.get(key)
        is_admin = "channel_admin" in text_of(membership.get("roles")).split() or membership.get("is_admin") is True
        if conversation is not None and is_admin:
            conversation.roles[username] = "admin"

    def _read_channel(self, body: dict[str, Any]) -> None:
        key = _channel_key(text_of(body.get("team")), text_of(body.get("name")))
        self._channels[key] = SourceConversation(
            key,
            "group",
            [],
            name=storable(text_of(body.get("display_name")) or text_of(body.get("name"))),
            public=body.get("type") == "O",
            topic=from_mattermost(text_of(body.get("header")), self._staging.people),
            description=from_mattermost(text_of(body.get("purpose")), self._staging.people),
            archived=bool(body.get("deleted_at") or body.get("delete_at")),
            roles={},
        )

    def _read_direct_channel(self, body: dict[str, Any]) -> None:
        members = _members(body)
        conversation = _direct(members)
        conversation.topic = from_mattermost(text_of(body.get("header")), self._staging.people) or None
        self._channels.setdefault(conversation.key, conversation)

    def add_channels(self) -> None:
        """Adds the channels with their members to the staging (the temporary database). Call it after all users have
        been read, since a user's lines name the channels that the user is a member of."""
        for key, conversation in self._channels.items():
            conversation.members += self._members.get(key, ())
            for username in conversation.members:
                self._known(username)
            self._staging.add_conversation(conversation)

    def read_post(self, raw: dict[str, Any]) -> None:
        kind = text_of(raw.get("type"))
        body = object_of(raw.get(kind))
        if kind not in {"post", "direct_post"}:
            return
        posts = 1 + len(_replies(body))
        self._staging.found += posts
        if kind == "post":
            key = _channel_key(text_of(body.get("team")), text_of(body.get("channel")))
            if not self._staging.has_conversation(key):
                self._staging.lose("messages of channels that the export does not have", posts)
                return
            self._add(body, key)
        else:
            conversation = _direct(_members(body))
            for username in conversation.members:
                self._known(username)
            self._staging.add_conversation(conversation)
            self._add(body, conversation.key)

    def _add(self, body: dict[str, Any], conversation: str) -> None:
        replies = items_of(_replies(body))
        self._staging.lose("entries that are no JSON objects", len(_replies(body)) - len(replies))
        root = self._message(body, conversation, None)
        if root is None and replies:
            # A key that no post has: the import finds nothing under it, and begins the thread with the first reply.
            root = f"root-of-{replies[0].get('create_at')}-{replies[0].get('user')}"
        for reply in replies:
            self._message(reply, conversation, root)

    def _message(self, body: dict[str, Any], conversation: str, root: str | None) -> str | None:
        """Adds a post to the staging (the temporary database) and returns the post's key; None if it is not imported.
        `root` is the key of the thread's first post if the post is a reply."""
        staging = self._staging
        created, username = ms_of(body.get("create_at")), text_of(body.get("user"))
        reason, note = _unwanted(body)
        if created is None or not username:
            staging.lose(reason or "messages without a time or an author")
            return None
        if reason is not None:
            return self._skip(body, conversation, reason, from_mattermost(note, staging.people))
        kind = text_of(body.get("type"))
        text = from_mattermost(text_of(body.get("message")), staging.people)
        text = "\n".join(filter(None, (text, *self._cards(body))))
        text = f"_{text.strip()}_" if kind == "me" and text.strip() else text
        files = list(self._files(body))
        if not text.strip() and not files:
            return self._skip(body, conversation, "empty messages", NO_TEXT)
        author = _author(body)
        staging.people.add(author)
        key = self._key(conversation, username, created)
        edited = ms_of(body.get("edit_at"))
        message = SourceMessage(
            conversation,
            key,
            author.key,
            created * 1000,
            text,
            edited_ms=edited if edited is not None and edited > created else None,
            thread=root,
            pinned=body.get("is_pinned") is True,
            reactions=self._reactions(body),
            files=files,
        )
        staging.add_message(message)
        return key

    def _skip(self, body: dict[str, Any], conversation: str, reason: str, note: str) -> str | None:
        """Drops a post. If it has replies, adds `note` in its place, and returns its key."""
        if not items_of(_replies(body)):
            self._staging.lose(reason)
            return None
        created, author = body["create_at"], _author(body)
        # Posts that are imported have the same keys whether others are skipped or not.
        key = self._key(conversation, f"{body['user']}-skipped", created)
        message = SourceMessage(conversation, key, author.key, created * 1000, note, skipped=reason, author=author)
        self._staging.add_message(message)
        return key

    def _key(self, conversation: str, username: str, created: int) -> str:
        """Returns a new key for a post of the user `username`, sent at `created` (milliseconds since 1970). A later
        import of the same post gives it the same key.

        The key consists of the time, the author and, for further posts of the same author in the same millisecond, a
        number.
        """
        key, number = f"{created}-{username}", 1
        while self._staging.has_message(conversation, key):
            number += 1
            key = f"{created}-{username}-{number}"
        return key

    def _known(self, username: str) -> str:
        self._staging.people.add(SourceUser(username, username, username))
        return username

    def _cards(self, body: dict[str, Any]) -> Iterator[str]:
        """Yields the texts of a post's message attachments (cards that integrations add), as quotes in Markdown."""
        for card in items_of(object_of(body.get("props")).get("attachments")):
            yield card_as_quote(card, lambda text: from_mattermost(text, self._staging.people))

    def _reactions(self, body: dict[str, Any]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        given = [each for each in items_of(body.get("reactions")) if text_of(each.get("user"))]
        for each in sorted(given, key=lambda each: each["create_at"] if isinstance(each.get("create_at"), int) else 0):
            emoji = emoji_named(text_of(each.get("emoji_name")))
            if emoji is None:
                self._staging.drop("reactions with custom emoji")
                continue
            users = found.setdefault(emoji, [])
            if each["user"] not in users:
                users.append(self._known(each["user"]))
        return found

    def _files(self, body: dict[str, Any]) -> Iterator[SourceFile]:
        for each in items_of(body.get("attachments")):
            path = text_of(each.get("path"))
            if path:
                yield SourceFile(storable(path.replace("\\", "/").rpartition("/")[2]), self._path(path))

    def _path(self, path: str) -> str | None:
        """Returns the name that a file has in the archive, given `path`, its path in the folder `data`; None if that
        folder lacks the file. Some exports have `data/` in the path."""
        inner = "data/" + path.replace("\\", "/").removeprefix("data/")
        return self._archive.find(self._root + inner, inner) if path else None


def _author(body: dict[str, Any]) -> SourceUser:
    """Returns the author of a post under the name that was shown: a web hook's, or that of the user."""
    username, shown = text_of(body.get("user")), text_of(object_of(body.get("props")).get("override_username"))
    if shown.strip() in {"", username}:
        return SourceUser(username, username, username)
    return shown_as(username, storable(shown))


def _unwanted(body: dict[str, Any]) -> tuple[str | None, str]:
    """Returns a pair: why a post is not imported, such as "deleted messages", and the text that stands for it where it
    has replies. The first is None for a post that is imported."""
    kind = text_of(body.get("type"))
    if body.get("delete_at"):
        return "deleted messages", DELETED
    if kind.startswith("system_"):
        return f"notices ({kind[:40]})", text_of(body.get("message")).strip() or NO_TEXT
    if kind.startswith("custom_calls"):
        return "calls and huddles", CALL
    return None, ""


def _channel_key(team: str, channel: str) -> str:
    """Returns the key of a channel, different from those of all other channels and of direct conversations: names may
    have a `-`, but no comma."""
    return f"{team}{',' if '-' in team or team == 'direct' else '-'}{channel}"


def _replies(body: dict[str, Any]) -> list[Any]:
    given = body.get("replies") or []
    return given if isinstance(given, list) else [given]


def _members(body: dict[str, Any]) -> list[str]:
    given = texts_of(body.get("members")) or texts_of(body.get("channel_members"))
    given = given or [text_of(each.get("username")) for each in items_of(body.get("participants"))]
    return sorted(set(filter(None, given)))


def _direct(members: list[str]) -> SourceConversation:
    separator = "," if any("-" in each for each in members) else "-"
    return SourceConversation(
        f"direct-{separator.join(members)}", "direct" if len(members) in {1, 2} else "group", members
    )
