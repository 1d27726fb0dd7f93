"""A client that syncs as documented, and the state that it should have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from talkwire.core.commands.blocks import ListBlocked
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.messages import ListMessages, ListSaved
from talkwire.core.commands.notifications import ListNotifications
from talkwire.core.commands.offers import ListOffers
from talkwire.core.commands.sync import GetSyncState, ListEvents, SyncPage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.log.cursors import cursor_of, parse_cursor
from talkwire.core.domain.model import Actor
from talkwire.dialects.messenger.sync import messenger_sync_payload
from talkwire.payloads.conversations import conversation_payload
from talkwire.payloads.messages import message_payload
from talkwire.payloads.offers import offer_payload
from tests.contracts.node import Node

Json = dict[str, Any]

# These fields differ between events, or clients derive them.
_NOT_COMPARED = (
    "updatedAt",
    "lastMessage",
    "unreadCount",
    "mentionCount",
    "muted",
    "mutedByModerator",
    "favourite",
    "archived",
    "lastOffer",
    "lastCall",
    "unreadOfferCount",
    "readSeq",
    "lastSeq",
    "memberCount",
    "joinedAt",
)


def _json(payload: object) -> Any:  # noqa: ANN401 (JSON)
    return msgspec.json.decode(msgspec.json.encode(payload))


@dataclass
class Talk:
    """One conversation as a client stores it."""

    shared: Json
    members: dict[str, Json]
    messages: dict[int, Json]
    offers: dict[str, Json]
    muted: bool
    muted_by_moderator: Json | None
    """Events about the conversation leave it out, as they leave out `muted`."""
    favourite: bool = False
    archived: bool = False
    saved: set[str] = field(default_factory=set)

    def state(self, user_id: str, blocked: set[str]) -> Json:
        """Returns what a client shows, in a comparable form."""
        return {
            "shared": {name: value for name, value in self.shared.items() if name not in _NOT_COMPARED},
            "members": {
                id_: (member["role"], member.get("readSeq", 0), member.get("deliveredSeq", 0))
                for id_, member in self.members.items()
            },
            "messages": {seq: self._message(message) for seq, message in self.messages.items()},
            "offers": self.offers,
            "muted": self.muted,
            "muted_by_moderator": self.muted_by_moderator,
            "favourite": self.favourite,
            # Of a muted conversation it depends on which messages mention the user now.
            "archived": self.archived and not self.muted,
            "saved": self.saved,
            "unread": self.unread(user_id, blocked),
        }

    def unread(self, user_id: str, blocked: set[str]) -> tuple[int, int]:
        """Returns the unread counts, counted message by message."""
        read_seq = self.members[user_id].get("readSeq", 0)
        unread = [
            message
            for seq, message in self.messages.items()
            if seq > read_seq and message["senderId"] not in blocked | {user_id} and "deletedAt" not in message
        ]
        mentioning = [m for m in unread if m.get("mentionsAll") or user_id in m.get("mentions", ())]
        return len(unread), len(mentioning)

    def _message(self, message: Json) -> Json:
        if "deletedAt" in message:
            return {name: message[name] for name in ("id", "seq", "senderId", "deletedAt")}
        shown = {name: value for name, value in message.items() if name not in {"replyTo", "replyCount", "thread"}}
        shown["replyTo"] = message.get("replyTo", {}).get("id")
        shown["replies"] = sum(
            other.get("threadId") == message["id"] and "deletedAt" not in other for other in self.messages.values()
        )
        return shown


@dataclass
class SyncClient:
    """The state and the cursor of one user's client."""

    node: Node
    actor: Actor
    cursor: str = ""
    talks: dict[str, Talk] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    received: list[int] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        return self.actor.user_id

    async def _ask(self, command: Command[Any]) -> Any:  # noqa: ANN401 (any command's answer)
        return await self.node.do(self.actor, command)

    async def load(self) -> SyncClient:
        """Loads the initial state."""
        state = await self._ask(GetSyncState())
        assert state.next is None
        self.cursor = state.cursor
        for view in state.conversations:
            await self._load(view.conversation.id)
        self.blocked = {user.id for user in (await self._ask(ListBlocked())).items}
        return self

    async def _load(self, conversation_id: str) -> None:
        """Loads one conversation completely; removes it if access is denied."""
        self.talks.pop(conversation_id, None)
        try:
            view = await self._ask(GetConversation(conversation_id))
            messages = (await self._ask(ListMessages(conversation_id, limit=100))).items
            offers = (await self._ask(ListOffers(conversation_id, limit=100))).items
            saved = (await self._ask(ListSaved(limit=100, conversation_id=conversation_id))).items
        except ChatError:
            return
        shared = _json(conversation_payload(view))
        self.talks[conversation_id] = Talk(
            shared,
            {member["userId"]: member for member in shared.pop("members")},
            {message.seq: _json(message_payload(message)) for message in messages},
            {str(offer.id): _json(offer_payload(offer)) for offer in offers},
            shared.get("muted", False),
            shared.get("mutedByModerator"),
            shared.get("favourite", False),
            shared.get("archived", False),
            {str(each.message.id) for each in saved},
        )

    async def _load_mute(self, conversation_id: str) -> None:
        """Loads whether the user may write, which depends on their role: a mute rests while they own the
        conversation."""
        talk = self.talks.get(conversation_id)
        if talk is None:
            return
        try:
            view = await self._ask(GetConversation(conversation_id))
        except ChatError:
            return
        talk.muted_by_moderator = _json(conversation_payload(view)).get("mutedByModerator")

    async def follow(self) -> SyncClient:
        """Applies all events since the cursor."""
        await follow_logs([self])
        return self

    async def follow_page(self) -> bool:
        """Applies the next events since the cursor. Returns whether there are more."""
        page: SyncPage = await self._ask(ListEvents(self.cursor, 7))
        encoded = messenger_sync_payload(page)
        for event in encoded.events or ():
            self.received.append(event.pos)
            await self._apply(event.event, _json(event.data))
        assert self.cursor != page.cursor or not page.more
        self.cursor = page.cursor
        return page.more

    async def _apply(self, name: str, data: Json) -> None:
        match name:
            case "user:blocked":
                self.blocked.add(data["userId"])
                return
            case "user:unblocked":
                self.blocked.discard(data["userId"])
                return
            case "conversation:new":
                await self._load(data["id"])
                return
            case "member:added" if self.user_id in {member["userId"] for member in data["members"]}:
                await self._load(data["conversationId"])
                return
            case "member:updated" if data["userId"] == self.user_id:
                await self._load_mute(data["conversationId"])
        id_ = data["id"] if name == "conversation:updated" else data.get("conversationId", "")
        talk = self.talks.get(id_)
        if talk is not None:
            self._apply_to(talk, id_, name, data)

    def _apply_to(self, talk: Talk, conversation_id: str, name: str, data: Json) -> None:  # noqa: C901, PLR0912 (a table)
        match name:
            case "conversation:updated":
                talk.shared = {"name": talk.shared.get("name")} | data if data["kind"] == "direct" else data
            case "conversation:deleted":
                del self.talks[conversation_id]
            case "conversation:preferences":
                talk.muted = data["muted"]
                talk.favourite, talk.archived = data["favourite"], data["archived"]
            case "member:added":
                talk.members |= {member["userId"]: member for member in data["members"]}
            case "member:removed":
                talk.members.pop(data["userId"], None)
                if data["userId"] == self.user_id:
                    del self.talks[conversation_id]
            case "member:updated":
                self._change_role(talk, data)
            case "message:new" | "message:updated":
                talk.messages[data["seq"]] = data
                talk.archived = talk.archived and (talk.muted or name == "message:updated")
            case "message:read:receipt":
                _move(talk, data, "readSeq", "deliveredSeq")
            case "conversation:unread":
                talk.members[self.user_id]["readSeq"] = data["readSeq"]
            case "message:delivered:receipt":
                _move(talk, data, "deliveredSeq")
            case "member:restricted" | "member:unrestricted":
                _restrict(talk, name, data)
            case _:
                _change_item(talk, name, data)

    @staticmethod
    def _change_role(talk: Talk, data: Json) -> None:
        if data["userId"] in talk.members:
            talk.members[data["userId"]]["role"] = data["role"]
        if data["role"] == "owner":
            talk.shared["ownerId"] = data["userId"]

    async def unread_notifications(self) -> int:
        """Returns the unread notifications according to the server."""
        page = await self._ask(ListNotifications(self.node.clock.now_ms))
        return int(page.unread)

    def state(self) -> Json:
        return {id_: talk.state(self.user_id, self.blocked) for id_, talk in sorted(self.talks.items())}

    async def notified_unread(self) -> dict[str, tuple[int, int]]:
        """Returns the unread counts according to the server."""
        state = await self._ask(GetSyncState())
        return {
            view.conversation.id: (view.unread.unread_count, view.unread.mention_count) for view in state.conversations
        }


async def follow_logs(clients: Sequence[SyncClient]) -> None:
    """Applies all events since the clients' cursors, which become one: each client reads another log of the same user,
    and they take turns after each page."""
    cursor = joined([client.cursor for client in clients])
    behind = list(clients)
    while behind:
        for client in tuple(behind):
            client.cursor = cursor
            if not await client.follow_page():
                behind.remove(client)
            cursor = client.cursor
    for client in clients:
        client.cursor = cursor


def joined(cursors: Sequence[str]) -> str:
    """Returns one cursor with the entries of all."""
    text = cursors[0]
    for cursor in cursors[1:]:
        for entry in parse_cursor(cursor) or ():
            text = cursor_of(*entry[:2], parse_cursor(text) or (), counter=entry.counter)
    return text


def _move(talk: Talk, data: Json, *names: str) -> None:
    member = talk.members.get(data["userId"], {})
    for name in names:
        member[name] = max(member.get(name, 0), data["seq"])


def _restrict(talk: Talk, name: str, data: Json) -> None:
    """A ban changes nothing here, since the membership's end is an event of its own."""
    if data["kind"] == "mute":
        mute: Json = {key: data[key] for key in ("until", "reason") if key in data}
        talk.muted_by_moderator = mute if name == "member:restricted" else None


def _change_item(talk: Talk, name: str, data: Json) -> None:
    if name.startswith("offer:"):
        talk.offers[data["id"]] = data
    else:
        _change_message(talk, name, data)


def _change_message(talk: Talk, name: str, data: Json) -> None:
    message = next((m for m in talk.messages.values() if m["id"] == data.get("messageId")), None)
    if message is None or "deletedAt" in message:
        return
    match name:
        case "saved:changed" if data["saved"]:
            talk.saved.add(data["messageId"])
        case "saved:changed":
            talk.saved.discard(data["messageId"])
        case "message:deleted":
            talk.saved.discard(data["messageId"])
            message["deletedAt"] = data["deletedAt"]
        case "message:reaction":
            message.pop("reactions", None)
            if data["reactions"]:
                message["reactions"] = data["reactions"]
        case "message:pinned":
            message["pinned"] = True
        case "message:unpinned":
            message.pop("pinned", None)
