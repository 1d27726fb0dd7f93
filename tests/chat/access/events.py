"""The access matrix of the messenger dialect's events: what each kind of caller receives."""

from __future__ import annotations

from tests.chat.access.table import (
    AS_CLERK,
    BLOCKED,
    CONFLICT,
    EVERYONE,
    FORBIDDEN,
    INVALID,
    MANAGERS,
    MEMBERS,
    NOBODY,
    NOT_FOUND,
    OK,
    OWNERS,
    READERS,
    SPEAKERS,
    STAFF,
    TRUSTED,
    UNNAMED,
    USERS,
    WRITERS,
    Row,
    but,
    rule,
)

NOT_IN_THE_TABLE: dict[str, str] = {}

_THERE = {"conversationId": "{conversation}"}
_MESSAGE = {"messageId": "{message}"}
_EMOJI = {**_MESSAGE, "emoji": "👍"}
_CALL = {**_THERE, "callId": "{call}"}
_BIKE = {"title": "Bicycle", "amount": 5000, "currency": "EUR"}
_AS_MEMBER = {"senderId": "{member}"}

# Blocking the user ended the call.
_TOKEN = {"turn": "{token}"}
_AS_AGENT = {"senderId": "{agent}"}
_CALLED = but(MEMBERS, blocked=NOT_FOUND, blocker=NOT_FOUND)

_SOCKET = (
    Row("auth:refresh", EVERYONE, {"token": "{my_token}"}),
    Row("auth:refresh", NOBODY, {"token": "{others_token}"}, of="another's token"),
    Row("conversation:join", MEMBERS, _THERE),
    Row("conversation:leave", MEMBERS, _THERE),
    Row("ping", EVERYONE),
    Row("sync", USERS),
)

_CONVERSATIONS = (
    Row("conversations:list", EVERYONE),
    Row("unread:get", EVERYONE),
    Row("conversation:create", but(EVERYONE, blocked=BLOCKED), {"kind": "group", "memberIds": ["{author}"]}),
    Row(
        "conversation:create",
        but(NOBODY, service=OK),
        {"kind": "group", "memberIds": ["{author}"], "id": "of-a-socket-{me}"},
        of="with an id",
    ),
    Row("conversation:update", MANAGERS, {**_THERE, "name": "Plans"}),
    Row("conversation:delete", OWNERS, _THERE),
    Row("member:add", MANAGERS, {**_THERE, "userIds": ["{operator}"]}),
    Row("member:add", MANAGERS, {**_THERE, "userIds": ["{me}"]}, of="oneself"),
    Row("member:remove", MANAGERS, {**_THERE, "userId": "{author}"}),
    Row("member:add", but(TRUSTED, clerk=OK), {**_THERE, "teamIds": ["{team}"]}, of="a team"),
    Row("member:remove", but(TRUSTED, clerk=OK), {**_THERE, "teamIds": ["{team}"]}, of="a team"),
    Row(
        "member:remove",
        but(MEMBERS, blocked=FORBIDDEN, blocker=FORBIDDEN, service=NOT_FOUND, operator=NOT_FOUND, clerk=CONFLICT),
        {**_THERE, "userId": "{me}"},
        of="oneself",
    ),
    Row("member:update", OWNERS, {**_THERE, "userId": "{author}", "role": "admin"}),
)

_DESK = (
    Row("conversation:claim", STAFF, _THERE, as_service=AS_CLERK),
    Row("conversation:release", STAFF, _THERE, as_service=AS_CLERK),
    Row("conversation:handoff", STAFF, {**_THERE, "to": "{team}"}, as_service=AS_CLERK),
    Row("conversation:close", STAFF, _THERE, as_service=AS_CLERK),
    Row("note:send", STAFF, {**_THERE, "content": "A note"}, as_service=AS_CLERK),
)

_MESSAGES = (
    Row("message:send", UNNAMED, {**_THERE, "content": "Hello"}),
    Row("message:send", UNNAMED, {**_THERE, "content": "Hello", "replyToId": "{message}"}, of="a reply"),
    Row("message:send", UNNAMED, {**_THERE, "content": "Hello", "threadId": "{message}"}, of="in a thread"),
    Row(
        "message:send",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {**_THERE, "attachments": [{"id": "{file}"}]},
        of="with another's file",
    ),
    Row(
        "message:send",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {**_THERE, "content": "Hello", "generated": {"model": "m"}},
        of="as a person that is no agent",
    ),
    Row(
        "message:send",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {**_THERE, "parts": [{"type": "data", "name": "x", "value": 1}]},
        of="with parts that only agents write",
    ),
    Row(
        "message:send",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {**_THERE, "content": "Hello", "onBehalfOf": "{author}"},
        of="on behalf of another",
    ),
    Row("message:stream", but(NOBODY, service=OK), {**_THERE, "clientMessageId": "stream-{me}"}, as_service=_AS_MEMBER),
    Row("message:append", but(NOBODY, service=CONFLICT), {**_MESSAGE, "attempt": 1, "part": 0, "text": "Hello"}),
    Row("message:rewind", but(NOBODY, service=CONFLICT), {**_MESSAGE, "attempt": 1, "part": 0}),
    Row("message:keep", but(NOBODY, service=CONFLICT), {**_MESSAGE, "attempt": 1}),
    Row("message:finish", but(NOBODY, service=CONFLICT), {**_MESSAGE, "attempt": 1}),
    Row("message:stop", rule(CONFLICT, stranger=FORBIDDEN, former=FORBIDDEN), _MESSAGE),
    Row("message:stop", but(MANAGERS, blocked=OK, blocker=OK), {"replyToId": "{message}"}, of="its answers"),
    Row("message:stop", READERS, {"replyToId": "{own}"}, of="answers to oneself"),
    Row("message:edit", but(NOBODY, service=OK), {**_MESSAGE, "content": "Changed"}),
    Row("message:edit", but(WRITERS), {"messageId": "{own}", "content": "Changed"}, of="one's own"),
    Row("message:delete", MANAGERS, _MESSAGE),
    Row("message:delete", READERS, {"messageId": "{own}"}, of="one's own"),
    Row("message:forward", UNNAMED, {**_MESSAGE, "conversationIds": ["{conversation}"]}),
    Row("message:react", UNNAMED, _EMOJI),
    Row("message:unreact", UNNAMED, _EMOJI),
    Row("turn:claim", but(NOBODY, service=OK), {}, as_service=_AS_AGENT),
    Row("turn:update", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row("turn:done", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row("turn:release", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row("turn:fail", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row("turn:retry", TRUSTED, {"turnId": "{turn}"}),
    Row("card:act", UNNAMED, {"messageId": "{card}", "actionIds": ["yes"]}),
    Row("card:close", MANAGERS, {"messageId": "{card}"}),
    Row("card:cancel", but(NOBODY, service=OK), {"messageId": "{card}"}),
    Row("message:rate", UNNAMED, {"messageId": "{answer}", "rating": 1}),
    Row("message:pin", but(MANAGERS, blocked=BLOCKED, blocker=BLOCKED), _MESSAGE),
    Row("message:unpin", but(MANAGERS, blocked=BLOCKED, blocker=BLOCKED), _MESSAGE),
    Row("message:save", MEMBERS, _MESSAGE),
    Row("message:unsave", EVERYONE, _MESSAGE),
    Row("message:report", MEMBERS, {**_MESSAGE, "reason": "spam"}),
    Row("saved:list", EVERYONE, {}),
    Row("message:read", MEMBERS, {**_THERE, **_MESSAGE}),
    Row("conversation:mark-unread", MEMBERS, {**_THERE, **_MESSAGE}),
    Row("thread:follow", MEMBERS, _MESSAGE),
    Row("thread:unfollow", MEMBERS, _MESSAGE),
    Row("thread:read", MEMBERS, _MESSAGE),
    Row("notifications:read", EVERYONE, {"ids": ["1"]}),
    Row("message:delivered", MEMBERS, {**_THERE, **_MESSAGE}),
    Row("messages:list", READERS, _THERE),
    Row("messages:search", READERS, {**_THERE, "q": "hello"}),
)

_SIGNALS = (
    Row("typing:start", SPEAKERS, _THERE),
    Row("typing:stop", SPEAKERS, _THERE),
    Row("signal:send", WRITERS, {**_THERE, "name": "ping"}),
    Row("presence:set", EVERYONE, {"status": "away"}),
    # Presence of strangers is omitted instead of refused: see `test_presence_is_for_those_who_share_a_conversation`.
    Row("presence:get", EVERYONE, {"userIds": ["{author}"]}),
    Row("presence:subscribe", EVERYONE, {"userIds": ["{author}"]}),
    Row("presence:unsubscribe", EVERYONE, {"userIds": ["{author}"]}),
    Row("call:invite", SPEAKERS, _THERE),
    Row("call:accept", _CALLED, _CALL),
    Row("call:reject", _CALLED, _CALL),
    # A call rings for members through a team only where the conversation is in their list.
    Row("call:signal", but(_CALLED, clerk=FORBIDDEN), {**_CALL, "data": {"candidate": "…"}}),
    Row("call:hangup", _CALLED, _CALL),
)

_OFFERS = (
    Row("offer:create", WRITERS, {**_THERE, **_BIKE}, as_service=_AS_MEMBER),
    Row("offer:update", WRITERS, {"offerId": "{offer}", "status": "accepted"}, as_service=_AS_MEMBER),
    Row(
        "offer:update",
        but(NOBODY, service=INVALID),
        {"offerId": "{offer}", "status": "withdrawn"},
        of="withdraw another's",
    ),
    Row(
        "offer:update",
        but(MEMBERS, service=INVALID),
        {"offerId": "{own_offer}", "status": "withdrawn"},
        of="withdraw one's own",
    ),
    Row("offer:counter", WRITERS, {"offerId": "{offer}", "amount": 4000}, as_service=_AS_MEMBER),
    Row("offer:delete", MANAGERS, {"offerId": "{offer}"}),
    Row("offer:report", MEMBERS, {"offerId": "{offer}", "reason": "spam"}),
    Row("offers:list", READERS, _THERE),
    Row("offers:search", READERS, {**_THERE, "q": "hello"}),
)

EVENTS = (*_SOCKET, *_CONVERSATIONS, *_DESK, *_MESSAGES, *_SIGNALS, *_OFFERS)
