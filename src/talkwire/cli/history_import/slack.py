"""Reads the export of a Slack workspace into a `Staging` (the temporary database of everything to import).

The export has users.json, channels.json, groups.json, dms.json, mpims.json, and a folder for each conversation with a
file for each day (https://slack.com/help/articles/220556107). That of an organization (Enterprise Grid) has
org_users.json, and the same again for each workspace in `teams/NAME/`.

It contains only the addresses of files. Tools that download the files put them into `__uploads/ID/NAME` or
`CONVERSATION/attachments/ID-NAME`, where the import finds them.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator
from html import unescape
from itertools import product
from typing import Any

from talkwire.cli.history_import.archive import Archive, items_of, ms_of, normal_name, object_of, text_of, texts_of
from talkwire.cli.history_import.cards import card_as_quote, says, says_in_parts
from talkwire.cli.history_import.emoji import emoji_named
from talkwire.cli.history_import.people import People, shown_as
from talkwire.cli.history_import.slack_blocks import SlackBlocks
from talkwire.cli.history_import.source import (
    CALL,
    DELETED,
    FILE_LOST,
    NO_TEXT,
    InvalidExport,
    SourceConversation,
    SourceFile,
    SourceMessage,
    SourceUser,
)
from talkwire.cli.history_import.staging import Staging
from talkwire.cli.history_import.texts import from_slack, storable

SLACKBOT = "USLACKBOT"

_TIME = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_UPLOADS = "__uploads"
_WORKSPACE = re.compile(r"(?<![^/])teams/[^/]+/$")
_ID = re.compile(r"[UW][A-Z0-9]{2,}")

_NAMED = re.compile(r"<(?:[@#]|!subteam\^)([A-Z0-9]+)\|[@#]?([^<>\n]+)>")
"""Pattern of a mention with the name that its target had when the message was written."""

_ONLY_BLOCKS = "This content can't be displayed."
"""Text that Slack gives a message that has only blocks."""

_USERS = ("org_users.json", "users.json")
_NAMED_LISTS = ("channels.json", "groups.json")
_LISTS = (*_NAMED_LISTS, "mpims.json", "dms.json")

_MESSAGES = {
    "": "",
    "bot_message": "",
    "me_message": "",
    "thread_broadcast": "",
    "file_share": "",
    "file_comment": "",
    "reminder_add": "",
    "slackbot_response": "",
}
"""Subtypes of messages of people and bots."""

_CALLS = frozenset({"huddle_thread", "sh_room_created", "call", "huddle_invite"})
_CANVASES = frozenset({"channel_canvas_updated", "document_comment_root", "document_mention", "canvas"})


def read_slack(archive: Archive, staging: Staging) -> None:
    """Reads a Slack export into the staging (the temporary database of everything to import)."""
    root = _root(archive)
    workspaces = [root, *_workspaces(archive, root)]
    source = _Source(archive, staging, workspaces)
    for folder, name in product(workspaces, _USERS):
        if folder + name in archive:
            _read_users(source, folder + name)
    shared = _ambiguous_names(archive, workspaces)
    for folder, name in product(workspaces, _LISTS):
        if folder + name not in archive:
            continue
        for raw in _objects(archive, folder + name, staging):
            is_ambiguous = folder != root and _folded_name(raw) in shared
            _read_conversation(source, folder, raw, name, f" ({folder.split('/')[-2]})" if is_ambiguous else "")
    _read_unlisted(source, root)
    for folder, name in product(workspaces, ("canvases.json", "lists.json")):
        if folder + name in archive:
            staging.drop("canvases and lists", len(archive.items(folder + name)))


def _root(archive: Archive) -> str:
    """Returns the folder in the archive that has the lists of the export. Raises InvalidExport if there is none."""
    with_users = [name for name in archive.names() if name.rpartition("/")[2] in _USERS]
    folders = {_WORKSPACE.sub("", "".join(name.rpartition("/")[:2])) for name in with_users}
    root = archive.only_folder(folders)
    if root is None:
        raise InvalidExport(f"{archive.path}: has no users.json and no org_users.json, so it is no export of Slack")
    return root


def _workspaces(archive: Archive, root: str) -> list[str]:
    """Returns the folders of the workspaces in the export of an organization (Enterprise Grid): `teams/NAME/`."""
    folders = {
        "".join(name.rpartition("/")[:2])
        for name in archive.names()
        if name.startswith(root) and name.rpartition("/")[2] in {*_USERS, *_LISTS}
    }
    return sorted(folder for folder in folders if _WORKSPACE.fullmatch(folder.removeprefix(root)))


def _ambiguous_names(archive: Archive, workspaces: list[str]) -> set[str]:
    """Returns the names that several conversations of an organization's workspaces have, without regard to case."""
    ids: dict[str, set[str]] = {}
    if len(workspaces) > 1:
        for name in filter(archive.__contains__, map("".join, product(workspaces, _NAMED_LISTS))):
            for raw in items_of(archive.items(name)):
                ids.setdefault(_folded_name(raw), set()).add(text_of(raw.get("id")))
    return {name for name, found in ids.items() if len(found) > 1}


def _folded_name(raw: dict[str, Any]) -> str:
    return text_of(raw.get("name")).casefold()


class _Source:
    """The objects that all readers of one Slack export share.

    `uploads` has the names of downloaded files in the archive by their ids in Slack, `days` those of the files with
    messages, by their folder. `bots` has the names of bots and apps by their ids, `channels` those of channels.
    """

    def __init__(self, archive: Archive, staging: Staging, workspaces: list[str]) -> None:
        self.archive = archive
        self.staging = staging
        self.uploads = _uploads(archive)
        self.days = _days(archive)
        self.bots = _integrations(archive, workspaces)
        self.channels = {
            text_of(each.get("id")): storable(text_of(each.get("name")))
            for name in map("".join, product(workspaces, _NAMED_LISTS))
            if name in archive
            for each in items_of(archive.items(name))
        }
        self.claimed: dict[str, str] = {}
        """Keys of the conversations whose messages were read, by the folder of the messages."""


def _days(archive: Archive) -> dict[str, list[str]]:
    """Returns the names of the files with the messages of a day, by their folder, in order."""
    found: dict[str, list[str]] = {}
    for name in archive.names():
        folder, _, last = name.rpartition("/")
        if _DAY.fullmatch(last) and _UPLOADS not in folder.split("/"):
            found.setdefault(folder, []).append(name)
    return found


def _uploads(archive: Archive) -> dict[str, str]:
    """Returns the names of the files that a tool has downloaded into the archive, by the files' ids in Slack."""
    found = {}
    for name in archive.names():
        *folders, last = name.split("/")
        if _UPLOADS in folders[:-1]:
            found[folders[-1]] = name
        elif folders[-1:] == ["attachments"] and "-" in last:
            found[last.partition("-")[0]] = name
    return found


def _integrations(archive: Archive, workspaces: list[str]) -> dict[str, str]:
    """Returns the names of bots and apps in integration_logs.json by their ids."""
    found: dict[str, str] = {}
    for logs in (f"{folder}integration_logs.json" for folder in workspaces):
        for raw in items_of(archive.items(logs)) if logs in archive else ():
            name = storable(text_of(raw.get("app_type")) or text_of(raw.get("service_type"))).strip()
            for kind in ("bot_id", "app_id", "service_id"):
                if name and raw.get(kind):
                    found.setdefault(str(raw[kind]), name)
    return found


def _objects(archive: Archive, name: str, staging: Staging) -> list[dict[str, Any]]:
    """Returns the JSON objects of a list in the archive, and counts what else is in it."""
    found = archive.items(name)
    staging.drop("entries that are no JSON objects", len(found) - len(items_of(found)))
    return items_of(found)


def _read_users(source: _Source, name: str) -> None:
    staging = source.staging
    for raw in _objects(source.archive, name, staging):
        profile = object_of(raw.get("profile"))
        key = text_of(raw.get("id"))
        if not key:
            staging.drop("users without an id")
            continue
        names = (profile.get("display_name"), profile.get("real_name"), raw.get("real_name"), raw.get("name"))
        shown = storable(next((name for name in map(text_of, names) if name.strip()), key))
        if text_of(profile.get("bot_id")):
            source.bots[profile["bot_id"]] = shown
        staging.people.add(
            SourceUser(
                key,
                shown,
                text_of(raw.get("name")) or None,
                text_of(profile.get("email")) or None,
                _picture(profile, staging),
                deactivated=raw.get("deleted") is True,
            )
        )


def _picture(profile: dict[str, Any], staging: Staging) -> str | None:
    """Returns the URL of a user's picture; None, counted, for another text, as anonymized exports have it."""
    given = text_of(profile.get("image_512")) or text_of(profile.get("image_192"))
    if not given or given.startswith(("https://", "http://")):
        return given or None
    staging.drop("pictures of users whose address is invalid")
    return None


def _read_conversation(source: _Source, folder: str, raw: dict[str, Any], list_name: str, ending: str) -> None:
    """Reads a conversation with its messages. `folder` is that of its workspace in the archive, `list_name` the name of
    the list that has the conversation; its name gets the `ending`.
    """
    staging = source.staging
    key = text_of(raw.get("id"))
    if not key:
        staging.drop("conversations without an id")
        return
    members = [_known(staging.people, each) for each in dict.fromkeys(texts_of(raw.get("members")))]
    is_direct = list_name == "dms.json" and len(members) in {1, 2}
    conversation = SourceConversation(key, "direct" if is_direct else "group", members)
    if not is_direct:
        creator = text_of(raw.get("creator"))
        conversation.name = storable(text_of(raw.get("name")) + ending) if list_name != "mpims.json" else None
        conversation.public = list_name == "channels.json"
        conversation.topic = from_slack(text_of(object_of(raw.get("topic")).get("value")), staging.people)
        conversation.description = from_slack(text_of(object_of(raw.get("purpose")).get("value")), staging.people)
        conversation.archived = raw.get("is_archived") is True
        if creator in members and list_name in _NAMED_LISTS:
            conversation.roles = {creator: "owner"}
    created = raw.get("created")
    conversation.created_ms = ms_of(created * 1000) if isinstance(created, int) and created > 0 else None
    staging.add_conversation(conversation)
    pinned = {text_of(pin.get("id")) for pin in items_of(raw.get("pins"))}
    for name in filter(None, dict.fromkeys((text_of(raw.get("name")), key))):
        _read_days(source, normal_name(folder + name), key, pinned)


def _read_unlisted(source: _Source, root: str) -> None:
    """Reads the folders with messages that no list names: each as a conversation of its authors, with its name."""
    for folder in sorted(source.days.keys() - source.claimed.keys()):
        name = f"{folder}/".removeprefix(root).removesuffix("/") or source.archive.path.stem
        source.staging.drop("conversations that no list names, imported by the name of their folder")
        source.staging.add_conversation(SourceConversation(name, "group", [], name=storable(name)))
        _read_days(source, folder, name, set())


def _read_days(source: _Source, folder: str, conversation: str, pinned: set[str]) -> None:
    """Reads the messages in a folder, unless they were read before: for another conversation of the same name, which is
    counted, or for the same one."""
    staging = source.staging
    if folder in source.claimed:
        is_same = source.claimed[folder] == conversation
        staging.drop("conversations whose name another one has, so that its folder is not theirs", int(not is_same))
        return
    for day in source.days.get(folder, ()):
        source.claimed[folder] = conversation
        found = source.archive.items(day)
        staging.found += len(found)
        staging.lose("entries that are no JSON objects", len(found) - len(items_of(found)))
        for raw in items_of(found):
            _read_message(source, raw, conversation, pinned)


def _known(people: People, key: str) -> str:
    """Adds a user with this key (id in Slack) as the name, unless the user is known, and returns the key."""
    people.add(SourceUser(key, "Slackbot" if key == SLACKBOT else key))
    return key


def _read_message(source: _Source, raw: dict[str, Any], conversation: str, pinned: set[str]) -> None:
    staging = source.staging
    key, order = text_of(raw.get("ts")), _micros(text_of(raw.get("ts")))
    subtype = text_of(raw.get("subtype"))
    reason = _unwanted(raw, subtype)
    if order is None:
        staging.lose(reason or "messages without a time")
        return
    thread = text_of(raw.get("thread_ts"))
    thread = thread if thread != key else ""
    text, files = ("", []) if reason else (_text(source, raw, subtype), _files(source, raw))
    if not text.strip() and not files:
        skipped = reason or _emptiness(raw)
        author, note = _author(source, raw), _note(raw, subtype, staging.people)
        message = SourceMessage(conversation, key, author.key, order, note, thread=thread or None)
        message.skipped, message.author = skipped, author
        staging.add_message(message)
        return
    edited = _micros(text_of(object_of(raw.get("edited")).get("ts")))
    staging.add_message(
        SourceMessage(
            conversation,
            key,
            _sender(source, raw),
            order,
            text,
            edited_ms=None if edited is None else edited // 1000,
            thread=thread or None,
            pinned=key in pinned or conversation in texts_of(raw.get("pinned_to")),
            reactions=_reactions(raw, staging),
            files=files,
        )
    )


def _unwanted(raw: dict[str, Any], subtype: str) -> str | None:
    """Returns why a line of the export is not imported as a message: a description such as "deleted messages", by which
    losses are counted. Returns None if the line is imported."""
    if raw.get("type", "message") not in ("message", None):
        return f"lines of the type {str(raw.get('type'))[:40]}"
    if subtype in _CALLS or "room" in raw:
        return "calls and huddles"
    if subtype in _CANVASES:
        return "canvases and lists"
    if subtype == "tombstone":
        return "deleted messages"
    if subtype not in _MESSAGES or raw.get("hidden") is True:
        return f"notices ({subtype[:40] or 'hidden'})"
    return None


def _note(raw: dict[str, Any], subtype: str, people: People) -> str:
    """Returns the text that stands for a message that is not imported, where it begins a thread: for a notice, its own
    text."""
    if subtype == "tombstone":
        return DELETED
    if subtype in _CALLS or "room" in raw:
        return CALL if subtype == "call" else "A huddle."
    if subtype in _CANVASES:
        return "A canvas."
    text = from_slack(text_of(raw.get("text")), people)
    return text if text.strip() else (FILE_LOST if items_of(raw.get("files")) else NO_TEXT)


def _emptiness(raw: dict[str, Any]) -> str:
    """Returns by which description a message without text and files is counted."""
    if any(map(_is_message, items_of(raw.get("attachments")))):
        return "forwarded messages whose content the export does not have"
    if raw.get("attachments") or raw.get("blocks"):
        return "messages of apps without words"
    return "empty messages"


def _micros(ts: str) -> int | None:
    """Returns a time of Slack, such as `1577880000.000100`, in microseconds since 1970; None if it is invalid or out of
    the range of dates."""
    found = _TIME.fullmatch(ts)
    if found is None or ms_of(int(found[1]) * 1000) is None:
        return None
    return int(found[1]) * 1_000_000 + int((found[2] or "0").ljust(6, "0"))


def _text(source: _Source, raw: dict[str, Any], subtype: str) -> str:
    """Returns the text of a message as Markdown, followed by the cards of bots and links and by forwarded messages, as
    quotes."""
    written = storable(text_of(raw.get("text")))
    names = ChainMap(dict(_NAMED.findall(written)), source.channels)
    blocks = SlackBlocks(source.staging.people, names, source.staging.drop, written)
    text = blocks.markup(written)
    if subtype == "me_message" and text.strip():
        text = f"_{text.strip()}_"
    shown = blocks.text(raw.get("blocks"))
    if shown and (_is_composed(raw) or text == _ONLY_BLOCKS or says_in_parts(shown, text)):
        text = ""
    own = "\n".join(filter(str.strip, (text, shown)))
    cards = [_card(source, blocks, each) for each in _cards(source, raw, f"{unescape(written)} {own}")]
    return "\n".join(filter(str.strip, (own, *(each for each in cards if not (own.strip() and says(own, each))))))


def _is_composed(raw: dict[str, Any]) -> bool:
    """Returns whether a person wrote a message in Slack, so that its text has only what the blocks have, too."""
    kinds = {text_of(each.get("type")) for each in items_of(raw.get("blocks"))}
    return kinds == {"rich_text"} and not raw.get("bot_id") and raw.get("subtype") != "bot_message"


def _cards(source: _Source, raw: dict[str, Any], own: str) -> Iterator[dict[str, Any]]:
    """Yields the attachments of a message without the previews of links that are in its own text (`own`)."""
    for card in items_of(raw.get("attachments")):
        links = {text_of(card.get(name)) for name in ("from_url", "original_url", "app_unfurl_url")} - {""}
        if not _is_message(card) and any(link in own for link in links):
            source.staging.drop("previews of links (the links are kept)")
        else:
            yield card


def _is_message(card: dict[str, Any]) -> bool:
    """Returns whether an attachment is another message, which was forwarded or to which the text has a link."""
    return bool(card.get("is_share") or card.get("is_msg_unfurl"))


def _card(source: _Source, blocks: SlackBlocks, card: dict[str, Any], levels: int = 3) -> str:
    """Returns an attachment as a quote in Markdown, with those in it, up to so many levels."""
    author = source.staging.people.get(text_of(card.get("author_id")))
    if author is not None:
        card = {**card, "author_name": author.name}
    messages = [object_of(each.get("message")) for each in items_of(card.get("message_blocks"))]
    shown = [blocks.text(each.get("blocks")) for each in (card, *messages)]
    inside = items_of(card.get("attachments"))
    if levels:
        shown += [_card(source, blocks, each, levels - 1) for each in inside]
    else:
        source.staging.drop("attachments that are nested too deep", len(inside))
    return card_as_quote(card, blocks.markup, "\n".join(filter(str.strip, shown)), names_link=not _is_message(card))


def _sender(source: _Source, raw: dict[str, Any]) -> str:
    """Returns the key of a message's author, and adds those that users.json does not have."""
    author = _author(source, raw)
    source.staging.people.add(author)
    return author.key


def _author(source: _Source, raw: dict[str, Any]) -> SourceUser:
    """Returns a message's author. Those that users.json does not have are people of other workspaces, and bots: one for
    each name under which Slack showed one."""
    bot_id, shown = text_of(raw.get("bot_id")), storable(text_of(raw.get("username"))).strip()
    key = text_of(raw.get("user")) or text_of(object_of(raw.get("comment")).get("user"))
    if _ID.fullmatch(key):
        profile = object_of(raw.get("user_profile"))
        name = text_of(profile.get("display_name")) or text_of(profile.get("real_name"))
        known = source.staging.people.get(key)
        user = known or SourceUser(key, "Slackbot" if key == SLACKBOT else storable(name) or key)
        is_bot = bot_id or raw.get("subtype") == "bot_message"
        if not is_bot or shown in {"", user.name, user.handle}:
            return user
    profile = object_of(raw.get("bot_profile"))
    app_id = text_of(raw.get("app_id")) or text_of(profile.get("app_id"))
    shown = shown or storable(text_of(profile.get("name"))).strip()
    shown = shown or source.bots.get(bot_id) or source.bots.get(app_id) or bot_id or "Bot"
    return shown_as(bot_id or "bot", shown, _icon(raw) or _icon(profile))


def _icon(raw: dict[str, Any]) -> str | None:
    """Returns the address of the picture of a bot; None if it has none, or an emoji."""
    icons = object_of(raw.get("icons"))
    found = (text_of(icons.get(f"image_{side}")) for side in (72, 64, 48, 36))
    return next((each for each in found if each.startswith(("https://", "http://"))), None)


def _reactions(raw: dict[str, Any], staging: Staging) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in items_of(raw.get("reactions")):
        user_keys = texts_of(each.get("users"))
        emoji = emoji_named(text_of(each.get("name")))
        if emoji is None:
            staging.drop("reactions with custom emoji", max(1, len(user_keys)))
            continue
        given = found.setdefault(emoji, [])
        given += [_known(staging.people, key) for key in user_keys if key not in given]
        count = each.get("count")
        if isinstance(count, int) and count > len(user_keys):
            staging.drop("reactions whose user the export does not name", count - len(user_keys))
    return found


def _files(source: _Source, raw: dict[str, Any]) -> list[SourceFile]:
    found = []
    given = items_of(raw.get("files")) or items_of([raw.get("file")])
    for card in items_of(raw.get("attachments")):
        given += items_of(card.get("files"))
    for each in {text_of(each.get("id")) or number: each for number, each in enumerate(given)}.values():
        if text_of(each.get("mode")) in {"tombstone", "hidden_by_limit"}:
            source.staging.drop("files that Slack has deleted or hidden")
            continue
        key = text_of(each.get("id"))
        name = storable(text_of(each.get("name")) or text_of(each.get("title"))) or key or "file"
        url = text_of(each.get("url_private_download")) or text_of(each.get("url_private"))
        link = text_of(each.get("permalink"))
        if each.get("is_external") is True:
            link, url = link or text_of(each.get("url_private")), ""
        found.append(SourceFile(name, source.archive.find(source.uploads.get(key, "")), url or None, link or None))
    return found
