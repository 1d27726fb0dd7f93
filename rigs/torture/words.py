"""The vocabulary of each dialect, as far as the campaign needs it: written from the reference documentation instead of
taken from the server, so that the two are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rigs.torture.history import Kind, Received, ReceivedKind

Json = dict[str, Any]
Saying = tuple[str, Json]
"""(event, payload)"""


@dataclass(frozen=True)
class Asked:
    """What a command is made of; ids are texts."""

    conversation: str
    content: str = ""
    key: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class Words:
    """The vocabulary of one dialect.

    `opens` and `closes` are the events with which a socket starts and stops following a conversation (None: there are
    none); `follows_all`: a socket follows all conversations of its user. `tells` are the kinds of events that a
    following socket receives, `tells_others` those that only the other users receive; `tells_missed`: a new socket
    first receives what its user missed.
    """

    name: str
    namespace: str
    says: Mapping[Kind, Callable[[Asked], Saying]]
    hears: Mapping[str, Callable[[Json], Received]]
    tells: frozenset[ReceivedKind]
    tells_others: frozenset[ReceivedKind] = frozenset()
    opens: Callable[[str], Saying] | None = None
    closes: Callable[[str], Saying] | None = None
    follows_all: bool = False
    tells_missed: bool = False
    answered_id: Callable[[Json], int | None] = lambda answer: None

    def received(self, at: float, name: str, args: list[Any]) -> Received | None:
        """Returns a received event; None for one that is not in the log. The offset is the last argument."""
        parse = self.hears.get(name)
        if parse is None or not args or not isinstance(args[0], dict):
            return None
        received = parse(args[0])
        received.at, received.name = at, name
        if len(args) > 1 and isinstance(args[-1], str):
            received.pos, received.counter = position_of(args[-1])
        return received


def position_of(cursor: str) -> tuple[int, int | None]:
    """(position, counter) of an offset or cursor. To clients these are opaque; the checks look inside."""
    pos, dot, counter = cursor.rpartition("-")[2].partition(".")
    return int(pos), int(counter) if dot else None


def _event(kind: ReceivedKind, conversation: object, message_id: object, **further: Any) -> Received:  # noqa: ANN401
    number = None if message_id is None else int(str(message_id))
    return Received(0.0, "", kind, str(conversation), number, **further)


def _message(answer: Json) -> int | None:
    message = answer.get("message")
    return int(message["id"]) if isinstance(message, dict) else None


def _reacted(data: Json) -> Received:
    about = (str(data["userId"]), data["emoji"], data["action"] == "added")
    return _event("reacted", data.get("conversationId", data.get("chatId")), data["messageId"], about=about)


def _deleted(data: Json) -> Received:
    return _event("deleted", data.get("conversationId", data.get("chatId")), data["messageId"])


def _marked(kind: ReceivedKind) -> Callable[[Json], Received]:
    def parse(data: Json) -> Received:
        conversation = data.get("conversationId", data.get("chatId"))
        return _event(kind, conversation, data["messageId"], about=(str(data["userId"]),))

    return parse


def _plain(kind: ReceivedKind) -> Callable[[Json], Received]:
    """A message of messenger or talks."""

    def parse(data: Json) -> Received:
        content = None if data.get("deletedAt") else data.get("content")
        return _event(kind, data["conversationId"], data["id"], content=content, seq=data.get("seq"))

    return parse


def _of_conversation(data: Json) -> Received:
    return _event("other", data.get("conversationId", data.get("id")), None)


MESSAGE_KINDS: frozenset[ReceivedKind] = frozenset({"sent", "edited", "deleted", "reacted"})
MARKS: frozenset[ReceivedKind] = frozenset({"read", "delivered"})

MESSENGER = Words(
    "messenger",
    "/",
    says={
        "send": lambda a: (
            "message:send",
            {"conversationId": a.conversation, "content": a.content, "clientMessageId": a.key},
        ),
        "edit": lambda a: ("message:edit", {"messageId": a.message_id, "content": a.content}),
        "delete": lambda a: ("message:delete", {"messageId": a.message_id}),
        "react": lambda a: ("message:react", {"messageId": a.message_id, "emoji": a.content}),
        "unreact": lambda a: ("message:unreact", {"messageId": a.message_id, "emoji": a.content}),
        "read": lambda a: ("message:read", {"conversationId": a.conversation, "messageId": a.message_id}),
    },
    hears={
        "message:new": _plain("sent"),
        "message:updated": _plain("edited"),
        "message:deleted": _deleted,
        "message:reaction": _reacted,
        "message:read:receipt": _marked("read"),
        "message:delivered:receipt": _marked("delivered"),
        "member:added": _of_conversation,
        "member:removed": _of_conversation,
        "conversation:new": _of_conversation,
        "conversation:updated": _of_conversation,
    },
    tells=MESSAGE_KINDS | MARKS,
    opens=lambda conversation: ("conversation:join", {"conversationId": conversation}),
    closes=lambda conversation: ("conversation:leave", {"conversationId": conversation}),
    follows_all=True,
    answered_id=_message,
)

TALKS = Words(
    "talks",
    "/talks",
    says={
        "send": lambda a: (
            "message",
            {"conversationId": a.conversation, "content": a.content, "clientMessageId": a.key},
        ),
        "edit": lambda a: ("edit-message", {"messageId": a.message_id, "content": a.content}),
        "delete": lambda a: ("delete-message", {"messageId": a.message_id}),
        "react": lambda a: ("react", {"messageId": a.message_id, "emoji": a.content}),
        "unreact": lambda a: ("react", {"messageId": a.message_id, "emoji": a.content, "remove": True}),
        "read": lambda a: ("read", {"conversationId": a.conversation, "messageId": a.message_id}),
    },
    hears={
        "message": _plain("sent"),
        "message-updated": _plain("edited"),
        "message-deleted": _deleted,
        "reaction": _reacted,
        "read": _marked("read"),
        "delivered": _marked("delivered"),
    },
    tells=MESSAGE_KINDS | MARKS,
    tells_others=MARKS,
    opens=lambda conversation: ("join-conversation", {"conversationId": conversation}),
    closes=lambda conversation: ("leave-conversation", {"conversationId": conversation}),
    answered_id=_message,
)


def _whatsapp(kind: ReceivedKind) -> Callable[[Json], Received]:
    def parse(data: Json) -> Received:
        content = None if data.get("deletedAt") else data["content"]["text"]
        return _event(kind, data["conversationId"], data["id"], content=content)

    return parse


WHATSAPP = Words(
    "whatsapp",
    "/messages",
    says={
        "send": lambda a: (
            "message:send",
            {"conversationId": a.conversation, "content": {"text": a.content}, "clientMessageId": a.key},
        ),
        "edit": lambda a: ("message:edit", {"messageId": a.message_id, "content": {"text": a.content}}),
        "delete": lambda a: ("message:delete", {"messageId": a.message_id}),
        "react": lambda a: ("message:react", {"messageId": a.message_id, "emoji": a.content}),
        "unreact": lambda a: ("message:react", {"messageId": a.message_id, "emoji": a.content, "remove": True}),
        "read": lambda a: ("message:read", {"conversationId": a.conversation, "messageId": a.message_id}),
    },
    hears={
        "message:received": _whatsapp("sent"),
        "message:updated": _whatsapp("edited"),
        "message:deleted": _deleted,
        "message:reaction": _reacted,
    },
    tells=MESSAGE_KINDS,
    opens=lambda conversation: ("conversation:join", {"conversationId": conversation}),
    closes=lambda conversation: ("conversation:leave", {"conversationId": conversation}),
    answered_id=_message,
)


def _crm(kind: ReceivedKind) -> Callable[[Json], Received]:
    def parse(data: Json) -> Received:
        message = data["message"]
        # A deleted message is empty here, and has no other mark.
        return _event(kind, data["chatId"], message["id"], content=message["content"] or None)

    return parse


def _crm_answered(answer: Json) -> int | None:
    data = answer.get("data")
    return int(data["id"]) if isinstance(data, dict) and "id" in data else None


CRM = Words(
    "crm",
    "/chat",
    says={
        "send": lambda a: (
            "sendMessage",
            {"chatId": int(a.conversation), "content": a.content, "clientMessageId": a.key},
        ),
        "edit": lambda a: ("updateMessage", {"messageId": _numeral(a), "content": a.content}),
        "delete": lambda a: ("deleteMessage", {"messageId": _numeral(a)}),
        "react": lambda a: ("reactToMessage", {"messageId": _numeral(a), "emoji": a.content}),
        "unreact": lambda a: ("reactToMessage", {"messageId": _numeral(a), "emoji": a.content, "remove": True}),
        "read": lambda a: ("markAsRead", {"chatId": int(a.conversation), "messageId": _numeral(a)}),
    },
    hears={
        "newMessage": _crm("sent"),
        "messageUpdated": _crm("edited"),
        "messageDeleted": _deleted,
        "messageReaction": _reacted,
        "messageRead": _marked("read"),
        "messageDelivered": _marked("delivered"),
    },
    tells=MESSAGE_KINDS | MARKS,
    tells_others=MARKS,
    opens=lambda conversation: ("joinChat", {"chatId": int(conversation)}),
    closes=lambda conversation: ("leaveChat", {"chatId": int(conversation)}),
    answered_id=_crm_answered,
)


def _numeral(asked: Asked) -> int:
    assert asked.message_id is not None
    return int(asked.message_id)


GATEWAY = Words(
    "gateway",
    "/gateway",
    says={
        "send": lambda a: (
            "message",
            {"conversationId": a.conversation, "message": a.content, "clientMessageId": a.key},
        ),
    },
    hears={
        "notification": lambda data: _event(
            "sent", data["conversationId"], data["messageId"], content=data["body"] or None
        ),
    },
    tells=frozenset({"sent"}),
    tells_others=frozenset({"sent"}),
    follows_all=True,
    tells_missed=True,
)

DIALECTS: Mapping[str, Words] = {words.name: words for words in (MESSENGER, TALKS, WHATSAPP, CRM, GATEWAY)}
