"""Routes and events with a second id beside that of a conversation or message. The second object must belong to the
first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.chat.access.table import EVERYONE, FORBIDDEN, NOT_FOUND, Row

NOT_A_SLOT = {
    "senderId": "in whose name: test_only_the_backend_acts_for_another_user",
    "clientMessageId": "a name that the client gives",
    "userIds": "whom to let in, from anywhere",
    "teamIds": "which team to let in, from anywhere",
    "DELETE /api/v1/conversations/{}/teams/{} team_id": "removing a team that is not there changes nothing",
    "actionIds": "those of the card that is named: tests/contracts/test_cards.py",
    "attachments": "files belong to users: the matrix has rows of one's own and of others'",
    "conversationIds": "where to: test_a_message_is_forwarded_to_own_conversations_only_or_to_none",
    "PUT /api/v1/conversations/{}/mutes/{} user_id": "also whoever is no member, for when they come",
    "DELETE /api/v1/conversations/{}/mutes/{} user_id": "the same",
    "PUT /api/v1/conversations/{}/bans/{} user_id": "the same",
    "DELETE /api/v1/conversations/{}/bans/{} user_id": "the same",
    "GET /api/v1/conversations/{}/preferences userId": "only the back end names another: the matrix has rows of that",
    "PUT /api/v1/conversations/{}/preferences userId": "the same",
    "PATCH /api/v1/conversations/{}/preferences userId": "the same",
    "POST /api/v1/conversations/{}/notes replyToId": "another note: tests/contracts/test_notes.py",
    "POST /api/v1/conversations/{}/notes threadId": "the same",
    "note:send replyToId": "the same",
    "note:send threadId": "the same",
    "POST /api/v1/messages/stream replyToId": "as of other messages: tests/contracts/test_stream_rules.py",
    "POST /api/v1/messages/stream threadId": "the same",
    "message:stream replyToId": "the same",
    "message:stop replyToId": "it stands in the place of messageId: tests/chat/access/events.py",
    "message:stream threadId": "the same",
    "GET /api/v1/messages/{}/history before": "a version's number",
    "GET /api/v1/events after": "a cursor",
    "GET /api/v1/search before": "a time",
    "GET /api/v1/search after": "a time",
    "GET /api/v1/search/offers before": "a time",
    "GET /api/v1/search/offers after": "a time",
    "messages:search before": "a time",
    "messages:search after": "a time",
    "offers:search before": "a time",
    "offers:search after": "a time",
    "call:invite callId": "names a new call",
    "call:accept toUserId": "whom it is for is among the call's members, or forbidden: tests/core/test_call_state.py",
    "call:reject toUserId": "the same",
    "call:hangup toUserId": "the same",
}
"""Reasons why a field needs no slot, by its name, or by the route or event and its name."""


@dataclass(frozen=True)
class Slot:
    """A field that holds the id `thing` in `row`. The object must belong to the conversation or message of the row.
    `says` is the error code if it does not."""

    field: str
    thing: str
    row: Row
    says: str = FORBIDDEN

    def __str__(self) -> str:
        return str(self.row)


_THERE = "/api/v1/conversations/{conversation}"
_TALK = "/api/v1/talks/{conversation}"
_SEND = {"conversationId": "{conversation}", "content": "Hello"}


def _route(field: str, thing: str, route: str, body: Any = None) -> Slot:  # noqa: ANN401 (JSON)
    return Slot(field, thing, Row(route, EVERYONE, body, field))


def _event(event: str, field: str, thing: str, says: str = FORBIDDEN, **further: str) -> Slot:
    payload = {"conversationId": "{conversation}", **further, field: f"{{{thing}}}"}
    return Slot(field, thing, Row(event, EVERYONE, payload, field), says)


_ANCHORS = ("before", "after", "around")

ROUTE_SLOTS = (
    *(_route(anchor, "message", f"GET {_THERE}/messages?{anchor}={{message}}") for anchor in _ANCHORS),
    *(
        _route(anchor, "message", f"GET /chat-messages?chatId={{conversation}}&{anchor}={{message}}")
        for anchor in _ANCHORS
    ),
    _route("before", "pinned", f"GET {_THERE}/pins?before={{pinned}}"),
    _route("messageId", "message", f"POST {_THERE}/read", {"messageId": "{message}"}),
    _route("messageId", "message", f"POST {_THERE}/unread", {"messageId": "{message}"}),
    _route("messageId", "message", f"POST {_THERE}/delivered", {"messageId": "{message}"}),
    _route("replyToId", "message", "POST /api/v1/messages", {**_SEND, "replyToId": "{message}"}),
    _route("threadId", "message", "POST /api/v1/messages", {**_SEND, "threadId": "{message}"}),
    _route("replyToId", "message", "POST /messages", {**_SEND, "replyToId": "{message}"}),
    _route("threadId", "message", "POST /messages", {**_SEND, "threadId": "{message}"}),
    _route("before", "reply", "GET /api/v1/messages/{message}/thread?before={reply}"),
    _route("after", "reply", "GET /api/v1/messages/{message}/thread?after={reply}"),
    _route("replyId", "message", "POST /api/v1/messages/{reply}/thread/read", {"replyId": "{message}"}),
    _route("user_id", "author", f"PATCH {_THERE}/members/{{author}}", {"role": "admin"}),
    _route("user_id", "author", f"DELETE {_THERE}/members/{{author}}"),
    *(_route(anchor, "message", f"GET {_TALK}/messages?{anchor}={{message}}") for anchor in _ANCHORS),
    _route("messageId", "message", f"POST {_TALK}/read", {"messageId": "{message}"}),
    *(
        _route(anchor, "message", f"GET /api/v1/whatsapp/conversations/{{conversation}}/messages?{anchor}={{message}}")
        for anchor in _ANCHORS
    ),
    _route(
        "messageId",
        "message",
        "POST /api/v1/whatsapp/conversations/{conversation}/read",
        {"messageId": "{message}"},
    ),
)

EVENT_SLOTS = (
    *(_event("messages:list", anchor, "message") for anchor in _ANCHORS),
    _event("message:read", "messageId", "message"),
    _event("message:delivered", "messageId", "message"),
    _event("conversation:mark-unread", "messageId", "message"),
    Slot(
        "replyId", "message", Row("thread:read", EVERYONE, {"messageId": "{reply}", "replyId": "{message}"}, "replyId")
    ),
    _event("message:send", "replyToId", "message", content="Hello"),
    _event("message:send", "threadId", "message", content="Hello"),
    _event("member:update", "userId", "author", role="admin"),
    _event("member:remove", "userId", "author"),
    _event("call:invite", "toUserId", "author"),
    _event("call:signal", "toUserId", "author", callId="{call}"),
    # Members of a conversation may know whether it has a call, so an unknown call id is not found instead of forbidden.
    *(
        _event(event, "callId", "call", NOT_FOUND)
        for event in ("call:accept", "call:reject", "call:signal", "call:hangup")
    ),
)

SLOTS = (*ROUTE_SLOTS, *EVENT_SLOTS)
