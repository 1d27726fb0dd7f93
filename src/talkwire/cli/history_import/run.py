"""Runs one import: sends the users, and then the conversations with their messages, from the staging to the server.

The staging is the temporary database of everything to import. Repeating an import is safe, at whatever point it was
stopped. The ids of users and conversations and the `clientMessageId` of messages are derived from the export, so they
are the same each time. If a conversation on the server has messages, the run first lists them, and skips those that
were imported before.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime
from time import time
from typing import IO, Any

from talkwire.cli.failures import CommandError
from talkwire.cli.history_import.attached import AttachedFiles, FileMissing
from talkwire.cli.history_import.outgoing import LOST_FILE_MESSAGES, OutgoingMessage, OutgoingMessages
from talkwire.cli.history_import.source import FILE_LOST, SourceConversation, SourceFile, SourceMessage, SourceUser
from talkwire.cli.history_import.staging import Staging
from talkwire.cli.history_import.target import ImportTarget, ServerRefusal, in_path
from talkwire.cli.history_import.texts import pieces
from talkwire.cli.output import iso_time
from talkwire.cli.progress import Bar, Lines
from talkwire.core.domain.model import REACTION_USERS_MAX
from talkwire.core.domain.names import direction_mark_in, display_name
from talkwire.core.features.conversations.conversations import ABOUT_MAX_LENGTH, TOPIC_MAX_LENGTH
from talkwire.core.features.messages.reactions import EMOJI_PER_MESSAGE
from talkwire.core.features.messages.sending import ATTACHMENTS_MAX

IMPORT_WORKERS = 8
"""Number of conversations that are imported at a time; messages of one go one after the other."""

MEMBERS_AT_ONCE = 5000
"""Most members of a conversation that one request adds."""

SHOWN_NAME_MAX_LENGTH = 100
"""Longest name of a conversation or a file, in characters."""

_MENDED = "invisible names, and marks of the writing direction in names,"
_ID_MAX_LENGTH = 100
_KEY_MAX_LENGTH = 90

_UNUSABLE = re.compile(r"[\s/\x00-\x1f\x7f-\x9f]+")


class ImportRun:
    """Sends the content of one staging (the temporary database of everything to import) to the server, and counts in
    `counts` what was imported. Everything that is not imported is counted in the staging.

    `source` is the name of the other system. The ids of conversations and the client message ids on the server begin
    with it.
    """

    def __init__(
        self, source: str, staging: Staging, server: ImportTarget, attached: AttachedFiles, progress: Bar | Lines
    ) -> None:
        self._source = source
        self._staging = staging
        self._people = staging.people
        self._server = server
        self._attached = attached
        self._progress = progress
        self._gone: set[str] = set()
        """Ids of users that were erased on the server, and of those that the server refused."""
        self._banned: set[str] = set()
        """Ids of users that were banned on the server before the import."""
        self._first_replies: dict[tuple[str, str], str] = {}
        """Keys of the replies that begin a thread whose first message is missing, by conversation and that message."""
        self.counts: Counter[str] = Counter()
        """Numbers of the things that were imported or were on the server before, by kind."""

    async def run(self) -> None:
        """Imports everything from the staging: users, then conversations with their messages, then bans of deactivated
        users. Raises Failure if the server becomes unreachable."""
        users = list(self._people)
        self._staging.drop(f"{_MENDED} of users", self._people.mended_names)
        self._progress.begin("users", len(users), "users")
        await self._in_parallel(users, lambda each: self._put_user(*each))
        self._progress.begin("messages", self._staging.message_count, "messages")
        await self._in_parallel(self._staging.conversations(), self._import_conversation)
        await self._in_parallel([id_ for id_, user in users if user.deactivated], self._ban)

    async def _in_parallel(self, items: Sequence[Any], work: Any) -> None:  # noqa: ANN401 (a function of one item)
        waiting = iter(items)

        async def worker() -> None:
            for item in waiting:
                await work(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(IMPORT_WORKERS):
                    group.create_task(worker())
        except* CommandError as errors:
            raise errors.exceptions[0] from None

    # --- users --------------------------------------------------------------------------------------------------------

    async def _put_user(self, user_id: str, user: SourceUser) -> None:
        """Creates a user on the server. A user who exists there with this id stays unchanged."""
        try:
            known = await self._server.request("GET", f"/users/{in_path(user_id)}")
        except ServerRefusal:
            known = None
        if known is not None and known.get("erased"):
            self._gone.add(user_id)
            self._staging.drop("users that were erased on this server")
        elif known is not None:
            self.counts["users, there before"] += 1
            if known.get("banned"):
                self._banned.add(user_id)
        else:
            await self._create_user(user_id, user)
        self._progress.advance(1)

    async def _create_user(self, user_id: str, user: SourceUser) -> None:
        body: dict[str, Any] = {"name": user.name}
        body |= {} if user.handle is None else {"handle": user.handle}
        body |= {} if user.email is None else {"email": user.email}
        # A handle may be taken, an address invalid: the user is more important.
        for left_out in (None, "handle", "email"):
            body.pop(left_out or "", None)
            try:
                await self._server.request("PUT", f"/users/{in_path(user_id)}", body)
            except ServerRefusal:
                continue
            if left_out is not None:
                self._staging.drop("handles and e-mail addresses that are taken or invalid")
            self.counts["users"] += 1
            await self._put_picture(user_id, user)
            return
        self._gone.add(user_id)
        self._staging.drop("users that the server refused")

    async def _put_picture(self, user_id: str, user: SourceUser) -> None:
        picture = user.picture
        if picture is None or user.deactivated:
            return
        is_url = picture.startswith(("https://", "http://"))
        try:
            path, url = (None, picture) if is_url else (picture, None)
            async with self._attached.opened(path, url, self._server.max_file_size) as content:
                uploaded = await self._server.upload("picture", content, user_id)
            await self._server.request("PUT", f"/users/{in_path(user_id)}", {"avatar": uploaded["url"]})
        except FileMissing as missing:
            kind = "pictures of users (use --download)" if is_url and not self._attached.downloads else str(missing)
            self._staging.drop(kind)
        except ServerRefusal:
            self._staging.drop("pictures of users that the server refused")
        else:
            self.counts["pictures of users"] += 1

    async def _ban(self, user_id: str) -> None:
        """Bans a user who was deactivated in the source system, so that nobody can sign in as this user. Does nothing
        for a user who was banned on the server before the import, or who is not imported."""
        if user_id in self._gone | self._banned:
            return
        with suppress(ServerRefusal):
            await self._server.request("PUT", f"/users/{in_path(user_id)}/ban")
            self.counts["users, banned as they were deactivated"] += 1

    # --- conversations ------------------------------------------------------------------------------------------------

    async def _import_conversation(self, key: str) -> None:
        conversation = self._staging.conversation(key)
        opened = await self._open(conversation)
        if opened is None:
            dropped = sum(1 for _ in self._staging.messages(key))
            self._staging.lose("messages of conversations that are not imported", dropped)
            self._progress.advance(dropped)
            return
        conversation_id, has_messages = opened
        newest_ms = await self._list_sent(conversation_id, key) if has_messages else 0
        outgoing = OutgoingMessages(self._server, self._staging, self.counts)
        for message in self._staging.messages(key):
            await self._import_message(conversation_id, message, newest_ms, outgoing)
            self._progress.advance(1)
        await outgoing.send()

    async def _open(self, conversation: SourceConversation) -> tuple[str, bool] | None:
        """Creates a conversation on the server, or finds the one that an earlier import created.

        Returns a pair: the id, and whether the conversation has messages. Returns None if it cannot be imported.
        """
        member_ids = self._member_ids(conversation)
        if not member_ids or (conversation.kind == "direct" and len(member_ids) != 2):
            self._staging.drop("conversations without members")
            return None
        body = self._body(conversation, member_ids)
        try:
            created = await self._server.request("POST", "/conversations", body)
        except ServerRefusal as refusal:
            return await self._open_existing(refusal, body["id"], member_ids)
        has_messages = bool(created["lastSeq"])
        self.counts["conversations, there before" if has_messages else "conversations"] += 1
        if conversation.kind != "direct":
            await self._add_members(created["id"], member_ids[MEMBERS_AT_ONCE:])
        return created["id"], has_messages

    async def _open_existing(
        self, refusal: ServerRefusal, conversation_id: str, member_ids: list[str]
    ) -> tuple[str, bool] | None:
        details = refusal.details if isinstance(refusal.details, dict) else {}
        differs = details.get("differs", [])
        if refusal.code != "conflict" or "deleted" in differs or not details.get("conversationId"):
            deleted = "conversations that were deleted on this server"
            self._staging.drop(deleted if "deleted" in differs else f"conversations: {refusal}")
            return None
        self.counts["conversations, there before"] += 1
        if "memberIds" in differs and differs != ["id"]:
            await self._add_members(conversation_id, member_ids)
        return str(details["conversationId"]), True

    async def _add_members(self, conversation_id: str, member_ids: list[str]) -> None:
        for start in range(0, len(member_ids), MEMBERS_AT_ONCE):
            body = {"userIds": member_ids[start : start + MEMBERS_AT_ONCE]}
            try:
                await self._server.request("POST", f"/conversations/{in_path(conversation_id)}/members", body)
            except ServerRefusal:
                self._staging.drop("members that the server refused", len(body["userIds"]))

    def _member_ids(self, conversation: SourceConversation) -> list[str]:
        """Returns the ids of a conversation's members on the server.

        An archived conversation may have lost its members; its authors become members then, so that somebody can read
        it.
        """
        keys = [key for key in conversation.members if key in self._people]
        if not keys and conversation.kind != "direct":
            authors = [key for key in self._staging.senders(conversation.key) if key in self._people]
            active = [key for key in authors if not getattr(self._people.get(key), "deactivated", False)]
            keys = active or authors
        ids = dict.fromkeys(self._people.id_of(key) for key in keys)
        return [user_id for user_id in ids if user_id not in self._gone]

    def _body(self, conversation: SourceConversation, member_ids: list[str]) -> dict[str, Any]:
        created_ms = conversation.created_ms
        if created_ms is None:
            created_ms = self._staging.first_ms(conversation.key)
        body: dict[str, Any] = {
            "id": self._conversation_id(conversation.key),
            "kind": conversation.kind,
            "memberIds": member_ids[:MEMBERS_AT_ONCE],
        }
        if created_ms is not None:
            body["createdAt"] = iso_time(min(created_ms, int(time() * 1000)))
        if conversation.kind == "direct":
            return body
        # Nobody writes in a channel without an owner and admins.
        body["kind"] = "channel" if conversation.archived else conversation.kind
        roles = {} if conversation.archived else conversation.roles
        body["roles"] = {
            user_id: role
            for key, role in roles.items()
            if key in self._people and (user_id := self._people.id_of(key)) in body["memberIds"]
        }
        body["name"] = self._name(conversation)
        body["public"] = conversation.public
        body["topic"] = display_name(conversation.topic or "", TOPIC_MAX_LENGTH)
        body["description"] = (conversation.description or "").strip()[:ABOUT_MAX_LENGTH] or None
        return body

    def _name(self, conversation: SourceConversation) -> str:
        name = conversation.name or self._names(conversation)
        shown = display_name(name, SHOWN_NAME_MAX_LENGTH)
        if shown is None or direction_mark_in(name) is not None:
            self._staging.drop(f"{_MENDED} of conversations")
        return shown or conversation.key[:SHOWN_NAME_MAX_LENGTH]

    def _names(self, conversation: SourceConversation) -> str:
        users = [self._people.get(key) for key in conversation.members]
        return ", ".join(user.name for user in users if user is not None) or conversation.key

    def _conversation_id(self, key: str) -> str:
        found = _UNUSABLE.sub("-", f"{self._source}-{key}")
        return _short(found, _ID_MAX_LENGTH)

    # --- messages -----------------------------------------------------------------------------------------------------

    async def _list_sent(self, conversation_id: str, key: str) -> int:
        """Reads the list of a conversation's messages from the server, and records in the staging the ids of those that
        earlier imports sent. `key` is the conversation's key in the staging.

        Returns the time of the conversation's newest message, in milliseconds since 1970; 0 if it has none.
        """
        newest_ms, before = 0, ""
        prefix = self._client_id("")
        while True:  # Suspends: each round sends a request.
            path = f"/conversations/{in_path(conversation_id)}/messages?limit=100{before}"
            page = await self._server.request("GET", path)
            for message in page["items"]:
                newest_ms = max(newest_ms, _ms_of(message["createdAt"]))
                sent = message.get("clientMessageId", "")
                if sent.startswith(prefix):
                    message_id = "" if message.get("deletedAt") else message["id"]
                    self._staging.put_sent(key, sent.removeprefix(prefix), message_id)
            if page["next"] is None:
                return newest_ms
            before = f"&before={in_path(page['next'])}"

    def _client_id(self, key: str) -> str:
        return f"{self._source}:{key}"

    async def _import_message(
        self, conversation_id: str, message: SourceMessage, newest_ms: int, outgoing: OutgoingMessages
    ) -> None:
        sender_id = self._people.id_of(message.sender)
        if sender_id in self._gone:
            self._staging.lose("messages of users that are not imported")
            return
        first_reply = self._first_replies.get((message.conversation, message.thread or ""))
        named = [message.thread, first_reply, *(quote.key for quote in message.quotes)]
        if any(outgoing.has(_short(key, _KEY_MAX_LENGTH)) for key in named if key is not None):
            await outgoing.send()  # so that the message that is replied to has an id
        root_id = self._root_id(message)
        message = message.with_quotes(self._replied_to(message))
        parts = pieces(message.text)
        for number, part in enumerate(parts, 1):
            key = _short(message.key if number == 1 else f"{message.key}#{number}", _KEY_MAX_LENGTH)
            if self._staging.sent_id(message.conversation, key) is not None or outgoing.has(key):
                self.counts["messages, there before"] += number == 1
            elif message.created_ms < newest_ms:
                if number == 1:
                    older = "messages older than the newest one of their conversation here"
                    self._staging.lose(LOST_FILE_MESSAGES if await self._is_lost(message) else older)
                else:
                    self._staging.drop("parts of messages older than the newest one of their conversation here")
            else:
                body = await self._message_body(conversation_id, sender_id, message, is_first=number == 1)
                body |= {"content": part, "clientMessageId": self._client_id(key)}
                body |= {} if root_id is None else {"threadId": root_id}
                if root_id is None and message.thread is not None and number == 1:
                    self._staging.drop("threads that begin with a reply, as their first message is missing")
                if _is_empty(body) and self._staging.has_replies(message.conversation, message.key):
                    body["content"] = FILE_LOST
                await outgoing.add(OutgoingMessage(message.conversation, key, body, is_first=number == 1))

    def _root_id(self, message: SourceMessage) -> str | None:
        """Returns the id on the server of the message that begins a message's thread; None for a message without a
        thread. If the first message of the thread is missing, the first reply begins it: None for that reply."""
        if message.thread is None:
            return None
        thread = (message.conversation, message.thread)
        for key in (message.thread, self._first_replies.get(thread)):
            root_id = None if key is None else self._sent_id(message, key)
            if root_id and key != message.key:
                return root_id
        self._first_replies[thread] = message.key
        return None

    def _replied_to(self, message: SourceMessage) -> str | None:
        """Returns the key of the first quoted message that is on the server, in the same conversation. None if there is
        none, or if the message has only quotes, which it then needs as its text."""
        if not message.text.strip() and not message.files:
            return None
        return next((quote.key for quote in message.quotes if self._sent_id(message, quote.key)), None)

    def _sent_id(self, message: SourceMessage, key: str) -> str | None:
        """Returns the id on the server of another message of the same conversation, by its key; None or an empty text
        if it is not there."""
        return self._staging.sent_id(message.conversation, _short(key, _KEY_MAX_LENGTH))

    async def _message_body(
        self, conversation_id: str, sender_id: str, message: SourceMessage, *, is_first: bool
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "conversationId": conversation_id,
            "senderId": sender_id,
            "createdAt": iso_time(message.created_ms),
        }
        if not is_first:
            return body
        if message.reply_to is not None:
            body["replyToId"] = self._sent_id(message, message.reply_to)
        if message.edited_ms is not None:
            body["editedAt"] = iso_time(max(message.edited_ms, message.created_ms))
        if message.pinned:
            body["pinned"] = True
        body["reactions"] = self._reactions(message)
        body["attachments"] = await self._attachments(message.files)
        return body

    def _reactions(self, message: SourceMessage) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for emoji, keys in message.reactions.items():
            ids = dict.fromkeys(self._people.id_of(key) for key in keys if key in self._people)
            user_ids = [user_id for user_id in ids if user_id not in self._gone]
            kept = user_ids[:REACTION_USERS_MAX] if len(found) < EMOJI_PER_MESSAGE else []
            self._staging.drop("reactions beyond 20 emoji or 100 users of an emoji", len(user_ids) - len(kept))
            if kept:
                found.append({"emoji": emoji, "userIds": kept})
        return found

    async def _attachments(self, files: list[SourceFile]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number, file in enumerate(files):
            if len(found) == ATTACHMENTS_MAX:
                self._staging.drop("files beyond the 20 of a message", len(files) - number)
                break
            found += filter(None, [await self._attach(file)])
        return found

    async def _is_lost(self, message: SourceMessage) -> bool:
        """Returns whether a message has neither text nor links and none of its files can be opened, so that there is
        nothing to import. Counts in the staging each file that it could not open, until one can be opened."""
        if message.text.strip() or any(map(_has_link, message.files)):
            return False
        for file in message.files:
            try:
                async with self._opened(file):
                    return False
            except FileMissing as missing:
                self._staging.drop(str(missing))
        return True

    def _opened(self, file: SourceFile) -> AbstractAsyncContextManager[IO[bytes]]:
        return self._attached.opened(file.path, file.url, self._server.max_file_size, _name_of(file))

    async def _attach(self, file: SourceFile) -> dict[str, Any] | None:
        """Uploads a file and returns the JSON of its attachment for the message.

        If the file is not available, returns a link to the source system instead; None if there is no link either.
        """
        try:
            async with self._opened(file) as content:
                uploaded = await self._server.upload(_name_of(file), content)
        except FileMissing as missing:
            reason = str(missing)
        except ServerRefusal:
            reason = "files that the server refused"
        else:
            self.counts["files"] += 1
            return {"id": uploaded["id"]}
        if _has_link(file):
            self.counts["files, as links to where they are"] += 1
            return {"url": file.link, "name": _name_of(file)}
        self._staging.drop(reason)
        return None


def _is_empty(body: dict[str, Any]) -> bool:
    return not body["content"].strip() and not body.get("attachments")


def _name_of(file: SourceFile) -> str:
    return (file.name.strip() or "file")[:SHOWN_NAME_MAX_LENGTH]


def _has_link(file: SourceFile) -> bool:
    return file.link is not None and file.link.startswith(("http://", "https://"))


def _short(text: str, most: int) -> str:
    """Returns a text unchanged if it has at most `most` characters, else its start and a hash of the whole text: `most`
    characters together."""
    if len(text) <= most:
        return text
    return f"{text[: most - 33]}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _ms_of(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)
