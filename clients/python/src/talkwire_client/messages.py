"""The calls that send, read and change messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import EllipsisType
from typing import Any, Literal
from uuid import uuid4
from weakref import WeakValueDictionary

from talkwire_client.api import FOR_EVER_S, Api, Request, attached, path, without_none
from talkwire_client.message_stream import MessageStream
from talkwire_client.payloads import AskedCard, Attachment, File, Message, MessageList, Rating, ReadPosition
from talkwire_client.written_parts import MessagePart

PAGE = 100
"""Number of messages that are fetched at once."""


class MessageCalls:
    """The client's methods for messages. `sender_id` names the user for whom the application's back end acts."""

    _api: Api

    def __init__(self) -> None:
        self._sending: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def send(
        self,
        conversation_id: str,
        content: str = "",
        *,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        reply_to_id: str | None = None,
        thread_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        client_message_id: str | None = None,
        generated: Mapping[str, str] | None = None,
        on_behalf_of: str | None = None,
        sender_id: str | None = None,
        created_at: str | None = None,
        if_last_seq: int | None = None,
        if_handler: str | EllipsisType | None = ...,
        parts: Sequence[MessagePart] = (),
        card: AskedCard | Mapping[str, Any] | None = None,
        turn: str | None = None,
        more: bool = False,
    ) -> Message:
        """Sends a message and returns it as stored.

        The same request is repeated until the server acknowledges it, however long that takes: use `asyncio.timeout` to
        give up. The server stores the message once, since each attempt has the same `clientMessageId`. To repeat a
        message after a restart of your program, pass your own `client_message_id`, unique for the sender in the
        conversation.

        With `if_last_seq`, the message is stored only if that is the `seq` of the conversation's newest message then.
        Otherwise this raises `TalkwireError` with the code `conflict` and the details `{"reason": "changed", "lastSeq":
        ..., "messages": [...]}`, which have what has come. With `if_handler`, it is stored only if that user handles
        the conversation, or nobody for None.

        A message has a `content`, or `parts`: a list such as `[{"type": "text", "text": "Paid."}]`, from which its
        `content` follows. Or it has a `card`, which asks its readers to decide: `ask` also waits for the decision.

        Messages to one conversation are stored in the order of the calls. `attachments` are the results of `upload`, or
        `{"url": ..., "name": ...}`. Agents may pass `generated={"model": ...}`, and the id of their owner as
        `on_behalf_of`. `sender_id` and `created_at` (the time of an imported message) are for the application's back
        end. `turn` is the token of an agent's turn, which the message ends unless there will be `more`: `turns` yields
        turns with methods of their own.
        """
        body = {
            "conversationId": conversation_id,
            "content": None if (parts or card) and not content else content,
            "parts": list(parts) or None,
            "card": card,
            "clientMessageId": client_message_id or uuid4().hex,
            "attachments": [attached(each) for each in attachments] or None,
            "replyToId": reply_to_id,
            "threadId": thread_id,
            "metadata": metadata,
            "generated": generated,
            "onBehalfOf": on_behalf_of,
            "senderId": sender_id,
            "createdAt": created_at,
            "ifLastSeq": if_last_seq,
            "turn": turn,
            "more": more or None,
        }
        wanted = without_none(body)
        if if_handler is not ...:
            wanted["ifHandler"] = if_handler
        lock = self._sending.setdefault(conversation_id, asyncio.Lock())
        async with lock:
            response = await self._api.send(Request("POST", path("messages"), json=wanted), FOR_EVER_S)
        sent: Message = response.json()
        return sent

    def stream(
        self,
        conversation_id: str,
        *,
        reply_to_id: str | None = None,
        thread_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        client_message_id: str | None = None,
        generated: Mapping[str, str] | None = None,
        on_behalf_of: str | None = None,
        sender_id: str | None = None,
        if_last_seq: int | None = None,
        if_handler: str | EllipsisType | None = ...,
        lease_s: int | None = None,
    ) -> MessageStream:
        """Returns a message that is written while others read it, for `async with`. For agents, the application's back
        end, and others where the server allows it.

        async with chat.stream("order-17") as message:
            await message.text("It was ")

        The server interrupts the message if the program has been gone for `lease_s` seconds (5 to 300, by default 60).
        A program that was restarted continues it within an hour with the same arguments, among them a
        `client_message_id` of your own. The others are those of `send`.
        """
        body = {
            "conversationId": conversation_id,
            "clientMessageId": client_message_id or uuid4().hex,
            "replyToId": reply_to_id,
            "threadId": thread_id,
            "metadata": metadata,
            "generated": generated,
            "onBehalfOf": on_behalf_of,
            "senderId": sender_id,
            "ifLastSeq": if_last_seq,
            "leaseS": lease_s,
        }
        wanted = without_none(body)
        if if_handler is not ...:
            wanted["ifHandler"] = if_handler
        return MessageStream(self._api, wanted)

    async def stop(self, message_id: str) -> None:
        """Asks the author of a message that is being written to stop. The message keeps its text."""
        await self._api.call("POST", path("messages", message_id, "stop"))

    async def message(self, message_id: str) -> Message:
        """Returns the message with this id."""
        found: Message = await self._api.get(path("messages", message_id))
        return found

    async def messages(
        self,
        conversation_id: str,
        *,
        before: str | None = None,
        after: str | None = None,
        around: str | None = None,
        around_seq: int | None = None,
        limit: int = 50,
    ) -> MessageList:
        """Returns a page of a conversation's messages, the oldest first.

        It is by default the newest page; otherwise the one before, after or around a message id, or around a `seq` (a
        message's number in its conversation). `limit` is at most 100.
        """
        found: MessageList = await self._api.get(
            path("conversations", conversation_id, "messages"),
            before=before,
            after=after,
            around=around,
            aroundSeq=around_seq,
            limit=limit,
        )
        return found

    async def history(self, conversation_id: str) -> AsyncIterator[Message]:
        """Yields all messages of a conversation, the newest first. Loads further pages when the iteration needs
        them.
        """
        before = None
        while True:  # Suspends: each round sends a request.
            page = await self.messages(conversation_id, before=before, limit=PAGE)
            for message in reversed(page["items"]):
                yield message
            before = page["next"]
            if before is None:
                return

    async def search(
        self, query: str, *, conversation_id: str | None = None, sender_id: str | None = None
    ) -> AsyncIterator[Message]:
        """Yields the messages that contain the words of a query, the newest first."""
        cursor = None
        while True:  # Suspends: each round sends a request.
            page: MessageList = await self._api.get(
                path("search"), q=query, conversationId=conversation_id, senderId=sender_id, cursor=cursor
            )
            for message in page["items"]:
                yield message
            cursor = page["next"]
            if cursor is None:
                return

    async def edit(
        self,
        message_id: str,
        content: str | None = None,
        *,
        metadata: Mapping[str, Any] | EllipsisType | None = ...,
        sender_id: str | None = None,
        parts: Sequence[MessagePart] | None = None,
    ) -> Message:
        """Changes the text of a message that the user has sent, its metadata or both, and returns the message.

        `parts` replace its text and all of its parts, `content` only the texts among its parts.

        What is not passed stays as it is. `metadata` replaces all metadata of the message, and None removes it; without
        `content` and `parts`, the message does not count as edited.
        """
        given_parts = None if parts is None else list(parts)
        body = without_none({"content": content, "parts": given_parts, "senderId": sender_id})
        if metadata is not ...:
            body["metadata"] = metadata
        edited: Message = await self._api.call("PATCH", path("messages", message_id), body)
        return edited

    async def delete(self, message_id: str) -> None:
        """Deletes a message for all members."""
        await self._api.call("DELETE", path("messages", message_id))

    async def forward(
        self, message_id: str, conversation_ids: Sequence[str], *, sender_id: str | None = None
    ) -> list[Message]:
        """Copies a message to up to 20 conversations, and returns the copies."""
        body = without_none({"conversationIds": list(conversation_ids), "senderId": sender_id})
        copies: MessageList = await self._api.call("POST", path("messages", message_id, "forward"), body)
        return copies["items"]

    async def react(self, message_id: str, emoji: str) -> Message:
        """Adds the user's reaction (an emoji) to a message, and returns the message."""
        changed: Message = await self._api.call("PUT", path("messages", message_id, "reactions", emoji))
        return changed

    async def unreact(self, message_id: str, emoji: str) -> Message:
        """Removes the user's reaction from a message, and returns the message."""
        changed: Message = await self._api.call("DELETE", path("messages", message_id, "reactions", emoji))
        return changed

    async def rate(
        self, message_id: str, rating: Literal[1, -1, 0], comment: str | None = None, *, sender_id: str | None = None
    ) -> Rating:
        """Rates a message of an agent, and replaces an earlier rating by the user; 0 takes it back. `comment` says why,
        in at most 1,000 characters. `sender_id` is for the service: the user who rates. Returns the rating, and for
        those who see it, how many users have rated the message up and down."""
        body = without_none({"rating": rating, "comment": comment, "senderId": sender_id})
        rated: Rating = await self._api.call("PUT", path("messages", message_id, "rating"), body)
        return rated

    async def rating(self, message_id: str) -> Rating:
        """Returns the user's rating of a message of an agent, and for those who see it, how many users have rated it up
        and down."""
        found: Rating = await self._api.get(path("messages", message_id, "rating"))
        return found

    async def pin(self, message_id: str) -> Message:
        """Pins a message in its conversation for all members, and returns the message."""
        changed: Message = await self._api.call("PUT", path("messages", message_id, "pin"))
        return changed

    async def unpin(self, message_id: str) -> Message:
        """Unpins a message for all members, and returns the message."""
        changed: Message = await self._api.call("DELETE", path("messages", message_id, "pin"))
        return changed

    async def mark_read(self, conversation_id: str, message_id: str | None = None) -> ReadPosition:
        """Marks a conversation as read by the user, up to a message or by default to its end. Returns the new read
        position.
        """
        return await self._move(conversation_id, "read", message_id)

    async def mark_unread(self, conversation_id: str, message_id: str | None = None) -> ReadPosition:
        """Marks a conversation as unread from a message on, by default from the newest one that another member sent.

        Returns the user's new read position.
        """
        return await self._move(conversation_id, "unread", message_id)

    async def _move(self, conversation_id: str, action: str, message_id: str | None) -> ReadPosition:
        body = without_none({"messageId": message_id})
        position: ReadPosition = await self._api.call("POST", path("conversations", conversation_id, action), body)
        return position
