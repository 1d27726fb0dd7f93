"""Sends the messages of one conversation to the receiving server, many in a request, in the order of time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from talkwire.cli.history_import.staging import Staging
from talkwire.cli.history_import.target import ImportTarget, ServerRefusal

REQUEST_MESSAGES_MAX = 100
"""Most messages of one request."""

REQUEST_MAX_BYTES = 200_000
"""Most bytes of messages in one request. The server accepts bodies of 256 KiB."""

LOST_FILE_MESSAGES = "messages that were only a file, which is lost"

_LESS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "threadId": (("threadId",), "replies that could not be put into their thread"),
    "replyToId": (("replyToId",), "quotes of messages that are missing"),
    "pinned": (("pinned",), "pins beyond the 100 of a conversation"),
    "editedAt": (("editedAt",), "times of edits that are not possible"),
    "reactions": (("reactions",), "reactions that the server refused"),
}
"""Members of a message that may be left out if the server refuses them, with the words by which that is counted, by the
member that the server refuses."""


_INDEX = re.compile(r"messages\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send. `conversation` and `key` are the keys of its conversation and of the message in the staging,
    `body` is the JSON for the REST API. `is_first` is false for the further parts of a text that was too long for one
    message."""

    conversation: str
    key: str
    body: dict[str, Any]
    is_first: bool


class OutgoingMessages:
    """Collects the messages of one conversation, and sends them to the server in batches."""

    def __init__(self, server: ImportTarget, staging: Staging, counts: Counter[str]) -> None:
        self._server = server
        self._staging = staging
        self._counts = counts
        self._waiting: dict[str, OutgoingMessage] = {}
        self._bytes = 0

    def has(self, key: str) -> bool:
        """Returns whether the message with this key waits to be sent, so that it has no id on the server yet."""
        return key in self._waiting

    async def add(self, message: OutgoingMessage) -> None:
        """Adds a message, after sending the collected ones if it does not fit into one request with them. A message
        without text and attachments is not added, but counted as lost."""
        if not message.body["content"].strip() and not message.body.get("attachments"):
            if message.is_first:
                self._staging.lose(LOST_FILE_MESSAGES)
            return
        size = len(msgspec.json.encode(message.body))
        if len(self._waiting) == REQUEST_MESSAGES_MAX or self._bytes + size > REQUEST_MAX_BYTES:
            await self.send()
        self._waiting[message.key] = message
        self._bytes += size

    async def send(self) -> None:
        """Sends all collected messages, in order. If the server refuses one, sends it again without the parts that it
        refuses before sending the later ones, since a message cannot be imported after one with a later time."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        self._bytes = 0
        while waiting:  # Suspends: each round sends a request and removes messages.
            sent = await self._send_up_to_a_refusal(waiting)
            if sent < len(waiting):
                await self._send_alone(waiting[sent])
            waiting = waiting[sent + 1 :]

    async def _send_up_to_a_refusal(self, messages: list[OutgoingMessage]) -> int:
        """Sends messages, and returns how many of them the server has stored. The server stores the messages before the
        first one that it refuses, and none from that one on."""
        body = {"messages": [each.body for each in messages]}
        try:
            items = (await self._server.request("POST", "/messages/batch", body))["items"]
        except ServerRefusal as refusal:
            # One of them is invalid, so none was stored.
            invalid = _INDEX.match(refusal.path)
            before = messages[: int(invalid[1])] if invalid else []
            return await self._send_up_to_a_refusal(before) if before else 0
        for index, (message, item) in enumerate(zip(messages, items, strict=True)):
            if "message" not in item:
                return index
            self._count(message, item["message"]["id"])
        return len(messages)

    async def _send_alone(self, message: OutgoingMessage) -> None:
        """Sends one message. When the server refuses a part of it, such as a reaction, sends it again without that
        part; when it refuses the message itself, skips the message. Counts in the staging what was left out or
        skipped."""
        body = message.body
        while True:  # Suspends: each round sends a request, and continues only if a part was removed.
            try:
                sent = await self._server.request("POST", "/messages", body)
            except ServerRefusal as refusal:
                left_out, kind = _LESS.get(re.split(r"[\[.]", refusal.path)[0], ((), ""))
                if not any(body.pop(member, None) for member in left_out):
                    count = self._staging.lose if message.is_first else self._staging.drop
                    count(f"{'' if message.is_first else 'parts of '}messages that the server refused: {refusal}"[:120])
                    return
                self._staging.drop(kind)
                continue
            self._count(message, sent["id"])
            return

    def _count(self, message: OutgoingMessage, message_id: str) -> None:
        self._staging.put_sent(message.conversation, message.key, message_id)
        self._counts["messages"] += message.is_first
        self._counts["replies in threads"] += message.is_first and "threadId" in message.body
        self._counts["reactions"] += sum(len(each["userIds"]) for each in message.body.get("reactions", ()))
