"""The access matrix of the REST routes: what each kind of caller receives."""

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
    OPERATORS,
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

_OF_WEBHOOKS = "a webhook belongs to the whole server: tests/chat/test_webhooks.py"

NOT_IN_THE_TABLE = {
    "POST /api/v1/webhooks": _OF_WEBHOOKS,
    "GET /api/v1/webhooks/{}": _OF_WEBHOOKS,
    "PUT /api/v1/webhooks/{}": _OF_WEBHOOKS,
    "PATCH /api/v1/webhooks/{}": _OF_WEBHOOKS,
    "DELETE /api/v1/webhooks/{}": _OF_WEBHOOKS,
    "POST /api/v1/webhooks/{}/rewind": _OF_WEBHOOKS,
    "POST /api/v1/webhooks/{}/rotate-secret": _OF_WEBHOOKS,
    "POST /api/v1/webhooks/{}/test": _OF_WEBHOOKS,
    "GET /api/v1/webhooks/{}/deliveries": _OF_WEBHOOKS,
    "DELETE /api/v1/admin/connections/{}": "ends a socket of a node: tests/chat/test_console.py",
    "POST /api/v1/auth/register": "whoever comes may make an account: tests/chat/test_accounts.py",
    "POST /api/v1/auth/login": "signs in by a password, not by who is calling: tests/chat/test_accounts.py",
    "POST /api/v1/auth/refresh": "signs in by the token in its body: tests/chat/test_accounts.py",
    "POST /api/v1/auth/invitations/conversations": "needs a code, nobody to sign in: tests/chat/test_invitations.py",
    "GET /api/v1/auth/invitations/{}": "needs a code, and nobody to sign in: tests/chat/test_invitations.py",
    "DELETE /api/v1/users/me": "erases whoever is calling: tests/chat/test_erasure.py",
    "DELETE /api/v1/users/{}": "erases a user of the scene: tests/chat/test_erasure.py",
    "GET /api/v1/server": "says the same to everybody, signed in or not: tests/chat/test_invitations.py",
}

_HELLO = {"content": "Hello"}
_TO_ALL = {"conversationId": "{conversation}", **_HELLO}
_STREAM = {"conversationId": "{conversation}", "clientMessageId": "stream-{me}"}
_TEXT_TO_ALL = {"conversationId": "{conversation}", "type": "text", "content": {"text": "Hello"}}
_AS_MEMBER = {"senderId": "{member}"}
_BIKE = {"title": "Bicycle", "amount": 5000, "currency": "EUR"}
_PUSH_GATEWAY = "https://93.184.216.34/_matrix/push/v1/notify"
_PUSH = {"kind": "gateway", "url": _PUSH_GATEWAY, "appId": "com.example.app", "pushKey": "phone"}
_BYTES = {
    "content": b"hi",
    "headers": {"tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream"},
}
_OVERRIDDEN = {"content": b"hi", "headers": {**_BYTES["headers"], "x-http-method-override": "PATCH"}}  # type: ignore[dict-item]  # a mapping of two kinds
_FORM = {"files": {"file": ("a", b"hello", "text/plain")}}
_ASKED_HOW_FAR = {"headers": {"tus-resumable": "1.0.0"}}

_V1 = "/api/v1"
_CONVERSATION = f"{_V1}/conversations/{{conversation}}"
_MESSAGE = f"{_V1}/messages/{{message}}"
_OWN = f"{_V1}/messages/{{own}}"
_ANSWER = f"{_V1}/messages/{{answer}}"
_CARD = f"{_V1}/messages/{{card}}/card"
_TURN = f"{_V1}/turns/{{turn}}"
_TOKEN = {"turn": "{token}"}
_AS_AGENT = {"senderId": "{agent}"}
_OFFER = f"{_V1}/offers/{{offer}}"
_TALK = f"{_V1}/talks/{{conversation}}"

# An operator may delete and pin messages but not write in another user's name; the backend acts for the author.
_AUTHOR = but(MEMBERS, service=OK)
_BACKEND = but(NOBODY, service=OK)
# The backend is no member; it names one.
_NAMELESS = but(MEMBERS, service=INVALID)
# Members of a team add it and remove it where they are members, not those who run the conversation.
_OWN_TEAM = but(TRUSTED, clerk=OK)
_DOWNLOADERS = but(MEMBERS, operator=OK, service=OK)

_AUTH = (
    # The tokens of these tests are issued by the application, so they belong to no account.
    Row(f"POST {_V1}/auth/logout", rule(INVALID)),
    Row(f"POST {_V1}/auth/password", NOBODY, {"currentPassword": "correct horse", "newPassword": "battery staple"}),
)

_CONVERSATIONS = (
    Row(f"GET {_V1}/conversations", EVERYONE),
    Row(f"POST {_V1}/conversations", but(EVERYONE, blocked=BLOCKED), {"kind": "group", "memberIds": ["{author}"]}),
    Row(
        f"POST {_V1}/conversations",
        but(NOBODY, service=OK),
        {"kind": "group", "memberIds": ["{author}"], "id": "of-our-own-{me}"},
        of="with an id",
    ),
    Row(f"GET {_CONVERSATION}", READERS),
    Row(f"PATCH {_CONVERSATION}", MANAGERS, {"name": "Plans"}),
    Row(f"DELETE {_CONVERSATION}", OWNERS),
    Row(f"POST {_CONVERSATION}/members", MANAGERS, {"userIds": ["{operator}"]}),
    Row(f"POST {_CONVERSATION}/members", MANAGERS, {"userIds": ["{me}"]}, of="oneself"),
    Row(f"PATCH {_CONVERSATION}/members/{{author}}", OWNERS, {"role": "admin"}),
    Row(f"DELETE {_CONVERSATION}/members/{{author}}", MANAGERS),
    Row(
        f"DELETE {_CONVERSATION}/members/{{me}}",
        but(MEMBERS, blocked=FORBIDDEN, blocker=FORBIDDEN, service=NOT_FOUND, operator=NOT_FOUND, clerk=CONFLICT),
        of="oneself",
    ),
    Row(f"POST {_CONVERSATION}/members", _OWN_TEAM, {"teamIds": ["{team}"]}, of="a team"),
    Row(f"DELETE {_CONVERSATION}/teams/{{team}}", _OWN_TEAM),
    Row(f"GET {_CONVERSATION}/messages", READERS),
    Row(f"GET {_CONVERSATION}/pins", READERS),
    Row(f"GET {_CONVERSATION}/files", READERS),
    Row(f"GET {_CONVERSATION}/links", READERS),
    Row(f"PATCH {_CONVERSATION}", but(OWNERS, service=OK, operator=OK), {"notify": "all"}, of="for all"),
    Row(f"GET {_CONVERSATION}/preferences", _NAMELESS),
    Row(f"PUT {_CONVERSATION}/preferences", _NAMELESS, {"muted": True, "notify": "all", "sound": None}),
    Row(f"PATCH {_CONVERSATION}/preferences", _NAMELESS, {"favourite": True, "archived": True}),
    Row(f"GET {_CONVERSATION}/preferences?userId={{author}}", _BACKEND, of="of another"),
    Row(f"PUT {_CONVERSATION}/preferences?userId={{author}}", _BACKEND, {"notify": "all"}, of="of another"),
    Row(f"PATCH {_CONVERSATION}/preferences?userId={{author}}", _BACKEND, {"notify": "all"}, of="of another"),
    Row(f"POST {_CONVERSATION}/read", MEMBERS),
    Row(f"POST {_CONVERSATION}/unread", MEMBERS, {"messageId": "{message}"}),
    Row(f"POST {_CONVERSATION}/delivered", MEMBERS),
    Row(f"POST {_CONVERSATION}/typing", SPEAKERS, {"isTyping": True}),
    Row(f"POST {_CONVERSATION}/signals", WRITERS, {"name": "ping"}),
)

_DESK = (
    Row(f"POST {_CONVERSATION}/claim", STAFF, {}, as_service=AS_CLERK),
    Row(f"POST {_CONVERSATION}/release", STAFF, {}, as_service=AS_CLERK),
    Row(f"POST {_CONVERSATION}/handoff", STAFF, {"to": "{team}"}, as_service=AS_CLERK),
    Row(f"POST {_CONVERSATION}/close", STAFF, {}, as_service=AS_CLERK),
    Row(f"POST {_CONVERSATION}/notes", STAFF, {"content": "A note"}, as_service=AS_CLERK),
)

_MODERATION = (
    Row(f"GET {_CONVERSATION}/mutes", MANAGERS),
    Row(f"PUT {_CONVERSATION}/mutes/{{author}}", MANAGERS),
    Row(f"DELETE {_CONVERSATION}/mutes/{{author}}", MANAGERS),
    Row(f"GET {_CONVERSATION}/bans", MANAGERS),
    Row(f"PUT {_CONVERSATION}/bans/{{author}}", MANAGERS),
    Row(f"DELETE {_CONVERSATION}/bans/{{author}}", MANAGERS),
    Row(f"PUT {_V1}/users/{{author}}/ban", TRUSTED),
    Row(f"DELETE {_V1}/users/{{author}}/ban", TRUSTED),
    Row(f"GET {_V1}/audit", OPERATORS),
    Row(f"GET {_V1}/reports", OPERATORS),
    Row(f"GET {_V1}/reports/{{author}}/context", but(NOBODY, operator=NOT_FOUND)),
    # Decisions need an open report, and this is none: tests/chat/test_reports.py.
    Row(
        f"PATCH {_V1}/reports/{{author}}",
        but(NOBODY, operator=NOT_FOUND),
        {"state": "dismissed", "reason": "Harmless"},
    ),
    Row(f"POST {_MESSAGE}/report", MEMBERS, {"reason": "spam"}),
    Row(f"PUT {_V1}/users/{{author}}", TRUSTED, {"text": "On holiday"}),
    Row(f"PUT {_V1}/users/{{author}}", TRUSTED, {"kind": "agent"}, of="as an agent"),
    Row(f"POST {_V1}/users/batch", TRUSTED, {"users": [{"id": "{author}", "text": "On holiday"}]}),
)

_INVITATIONS = (
    Row(f"GET {_V1}/invitations", EVERYONE),
    Row(f"POST {_V1}/invitations", MANAGERS, {"conversationIds": ["{conversation}"]}),
    Row(f"POST {_V1}/invitations", but(OPERATORS, service=OK), {}, of="to the server"),
    Row(f"DELETE {_V1}/invitations/{{invitation}}", MANAGERS),
    Row(f"GET {_V1}/invitations/{{code}}/conversations", EVERYONE),
    Row(f"POST {_V1}/invitations/conversations", EVERYONE, {"code": "{code}"}),
    Row(f"POST {_V1}/invitations/{{code}}/accept", but(EVERYONE, service=FORBIDDEN)),
    Row(f"POST {_V1}/invitations/accept", but(EVERYONE, service=FORBIDDEN), {"code": "{code}"}),
)

_MESSAGES = (
    Row(f"POST {_V1}/messages", WRITERS, _TO_ALL, as_service=_AS_MEMBER),
    Row("POST /messages", WRITERS, _TO_ALL, as_service=_AS_MEMBER),
    Row(f"POST {_V1}/messages/stream", but(NOBODY, service=OK), _STREAM, as_service=_AS_MEMBER),
    Row(f"POST {_MESSAGE}/append", but(NOBODY, service=CONFLICT), {"attempt": 1, "part": 0, "text": "Hello"}),
    Row(f"POST {_MESSAGE}/rewind", but(NOBODY, service=CONFLICT), {"attempt": 1, "part": 0}),
    Row(f"POST {_MESSAGE}/keep", but(NOBODY, service=CONFLICT), {"attempt": 1}),
    Row(f"POST {_MESSAGE}/finish", but(NOBODY, service=CONFLICT), {"attempt": 1}),
    Row(f"GET {_MESSAGE}/stream", READERS),
    Row(f"POST {_MESSAGE}/stop", rule(CONFLICT, stranger=FORBIDDEN, former=FORBIDDEN)),
    Row(f"POST {_V1}/messages/stop", but(MANAGERS, blocked=OK, blocker=OK), {"replyToId": "{message}"}),
    Row(f"POST {_V1}/messages/stop", READERS, {"replyToId": "{own}"}, of="answers to oneself"),
    Row(f"POST {_V1}/messages/batch", TRUSTED, {"messages": [{**_TO_ALL, "type": "system"}]}),
    Row(f"POST {_V1}/messages", UNNAMED, _TO_ALL, of="as oneself"),
    Row(f"POST {_V1}/messages", but(WRITERS), {**_TO_ALL, "replyToId": "{message}"}, "a reply", _AS_MEMBER),
    Row(f"POST {_V1}/messages", but(WRITERS), {**_TO_ALL, "threadId": "{message}"}, "in a thread", _AS_MEMBER),
    Row(
        f"POST {_V1}/messages",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {**_TO_ALL, "attachments": [{"id": "{file}"}]},
        of="with another's file",
    ),
    Row(
        f"POST {_V1}/messages",
        but(UNNAMED),
        {**_TO_ALL, "attachments": [{"id": "{own_file}"}]},
        of="with one's own file",
    ),
    Row(
        f"POST {_V1}/messages",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {"conversationId": "{conversation}", "parts": [{"type": "data", "name": "x", "value": 1}]},
        of="with parts that only agents write",
    ),
    Row(
        f"POST {_V1}/messages",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {**_TO_ALL, "onBehalfOf": "{author}"},
        of="on behalf of another",
    ),
    Row(f"GET {_MESSAGE}", READERS),
    Row(f"PATCH {_MESSAGE}", but(NOBODY, service=OK), {"content": "Changed"}),
    Row("PATCH /messages/{message}", but(NOBODY, service=OK), {"content": "Changed"}),
    Row(f"PATCH {_OWN}", but(_AUTHOR, blocked=BLOCKED, blocker=BLOCKED), {"content": "Changed"}, of="one's own"),
    Row(f"DELETE {_MESSAGE}", MANAGERS),
    Row("DELETE /messages/{message}", MANAGERS),
    Row(f"DELETE {_OWN}", READERS, of="one's own"),
    Row(f"GET {_MESSAGE}/history", READERS),
    Row(f"GET {_MESSAGE}/thread", READERS),
    Row(f"PUT {_MESSAGE}/thread/following", MEMBERS),
    Row(f"DELETE {_MESSAGE}/thread/following", MEMBERS),
    Row(f"POST {_MESSAGE}/thread/read", MEMBERS),
    Row(f"GET {_MESSAGE}/receipts", READERS),
    Row(
        f"POST {_MESSAGE}/forward",
        WRITERS,
        {"conversationIds": ["{conversation}"]},
        as_service=_AS_MEMBER,
    ),
    Row(f"PUT {_MESSAGE}/reactions/👍", UNNAMED),
    Row(f"DELETE {_MESSAGE}/reactions/👍", UNNAMED),
    Row(f"PUT {_ANSWER}/rating", UNNAMED, {"rating": 1}),
    Row(f"PUT {_ANSWER}/rating", WRITERS, {"rating": -1}, of="as a member", as_service=_AS_MEMBER),
    Row(f"GET {_ANSWER}/rating", READERS),
    Row(f"GET {_CARD}", READERS),
    Row(f"POST {_CARD}", UNNAMED, {"actionIds": ["yes"]}),
    Row(f"POST {_CARD}", WRITERS, {"actionIds": ["yes"]}, of="as a member", as_service=_AS_MEMBER),
    Row(f"GET {_CARD}/receipt", rule(CONFLICT, stranger=FORBIDDEN, former=FORBIDDEN), of="an open one"),
    Row(f"POST {_CARD}/close", MANAGERS),
    Row(f"POST {_CARD}/cancel", _BACKEND),
    Row(f"PUT {_MESSAGE}/pin", but(MANAGERS, blocked=BLOCKED, blocker=BLOCKED)),
    Row(f"DELETE {_MESSAGE}/pin", but(MANAGERS, blocked=BLOCKED, blocker=BLOCKED)),
    Row(f"PUT {_MESSAGE}/saved", MEMBERS),
    Row(f"DELETE {_MESSAGE}/saved", EVERYONE),
    Row(f"DELETE {_MESSAGE}/previews", TRUSTED),
    Row(f"DELETE {_OWN}/previews", READERS, of="one's own"),
)

_OFFERS = (
    Row(f"POST {_CONVERSATION}/offers", WRITERS, _BIKE, as_service=_AS_MEMBER),
    Row(f"GET {_CONVERSATION}/offers", READERS),
    Row(f"GET {_CONVERSATION}/notices", READERS),
    Row(f"GET {_OFFER}", READERS),
    Row(f"PATCH {_OFFER}", WRITERS, {"status": "accepted"}, as_service=_AS_MEMBER),
    Row(f"PATCH {_OFFER}", but(NOBODY, service=INVALID), {"status": "withdrawn"}, of="withdraw another's"),
    Row(f"POST {_OFFER}/accept", UNNAMED),
    Row(f"POST {_OFFER}/reject", UNNAMED),
    Row(f"POST {_OFFER}/withdraw", but(NOBODY, service=INVALID)),
    Row(f"POST {_V1}/offers/{{own_offer}}/withdraw", but(MEMBERS, service=INVALID), of="one's own"),
    Row(f"POST {_V1}/offers/{{own_offer}}/accept", but(NOBODY, service=INVALID), of="one's own"),
    Row(f"DELETE {_OFFER}", MANAGERS),
    Row(f"POST {_OFFER}/report", MEMBERS, {"reason": "spam"}),
    Row(f"POST {_OFFER}/counter", WRITERS, {"amount": 4000}, as_service=_AS_MEMBER),
)

_FILES = (
    Row(f"POST {_V1}/files", EVERYONE, options=_FORM),
    Row(f"GET {_V1}/files/{{file}}", _DOWNLOADERS),
    Row(f"GET {_V1}/files/{{file}}/a", _DOWNLOADERS),
    Row(f"GET {_V1}/files/{{picture}}/thumbnail", _DOWNLOADERS),
    Row(f"DELETE {_V1}/files/{{file}}", NOBODY),
    Row(f"DELETE {_V1}/files/{{own_file}}", MEMBERS_OF_OLD := but(MEMBERS, former=OK), of="one's own"),
    Row(f"HEAD {_V1}/files/{{upload}}", NOBODY, options=_ASKED_HOW_FAR),
    Row(f"HEAD {_V1}/files/{{own_upload}}", MEMBERS_OF_OLD, of="one's own", options=_ASKED_HOW_FAR),
    Row(f"PATCH {_V1}/files/{{upload}}", NOBODY, options=_BYTES),
    Row(f"PATCH {_V1}/files/{{own_upload}}", MEMBERS_OF_OLD, of="one's own", options=_BYTES),
    Row(f"POST {_V1}/files/{{upload}}", NOBODY, options=_OVERRIDDEN),
    Row(f"POST {_V1}/files/{{own_upload}}", MEMBERS_OF_OLD, of="one's own", options=_OVERRIDDEN),
)

_TALKS = (
    Row(f"GET {_V1}/talks", EVERYONE),
    Row(f"POST {_V1}/talks", EVERYONE, {"receiverId": "{author}"}, as_service=_AS_MEMBER),
    Row(f"POST {_V1}/talks", but(EVERYONE, blocked=BLOCKED), {"participantIds": ["{author}"]}, of="of several"),
    Row(
        f"POST {_V1}/talks",
        but(NOBODY, service=OK),
        {"participantIds": ["{author}"], "id": "of-our-own-{me}"},
        of="with an id",
    ),
    Row(
        f"POST {_V1}/talks",
        but(NOBODY, member=OK, clerk=FORBIDDEN, service=OK),
        {"receiverId": "{author}", **_AS_MEMBER},
        of="in the member's name",
    ),
    Row(f"GET {_TALK}", READERS),
    Row(f"GET {_TALK}/messages", READERS),
    Row(f"POST {_TALK}/message", WRITERS, _HELLO, as_service=_AS_MEMBER),
    Row(
        f"POST {_TALK}/message",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {"attachments": [f"{_V1}/files/{{file}}/a"]},
        of="with another's file",
    ),
    Row(f"POST {_TALK}/read", MEMBERS),
    Row(f"POST {_TALK}/offers", WRITERS, _BIKE, as_service=_AS_MEMBER),
)

_WHATSAPP = (
    Row(f"POST {_V1}/whatsapp/messages", WRITERS, _TEXT_TO_ALL, as_service=_AS_MEMBER),
    Row(f"POST {_V1}/whatsapp/messages", UNNAMED, _TEXT_TO_ALL, of="as oneself"),
    Row(
        f"POST {_V1}/whatsapp/messages",
        but(NOBODY, blocked=BLOCKED, blocker=BLOCKED, service=INVALID),
        {"conversationId": "{conversation}", "attachments": [{"id": "{file}"}]},
        of="with another's file",
    ),
    Row(f"GET {_V1}/whatsapp/messages/{{message}}", READERS),
    Row(f"GET {_V1}/whatsapp/conversations/{{conversation}}/messages", READERS),
    Row(f"PATCH {_V1}/whatsapp/messages/{{message}}/status", MEMBERS, {"status": "read"}),
    Row(f"PATCH {_V1}/whatsapp/messages/{{message}}/status", MEMBERS, {"status": "delivered"}, of="delivered"),
    Row(f"POST {_V1}/whatsapp/conversations/{{conversation}}/read", MEMBERS),
)

_TO_CHAT = {"chatId": "{conversation}", **_HELLO}

_CRM = (
    Row("POST /chat-messages", WRITERS, _TO_CHAT, as_service=_AS_MEMBER),
    Row("POST /chat-messages", UNNAMED, _TO_CHAT, of="as oneself"),
    Row("GET /chat-messages?chatId={conversation}", READERS),
    Row("PATCH /chat-messages/{message}", but(NOBODY, service=OK), {"content": "Changed"}),
    Row(
        "PATCH /chat-messages/{own}",
        but(_AUTHOR, blocked=BLOCKED, blocker=BLOCKED),
        {"content": "Changed"},
        of="one's own",
    ),
    Row("DELETE /chat-messages/{message}", MANAGERS),
    Row("DELETE /chat-messages/{own}", READERS, of="one's own"),
)

_BACKENDS = but(OPERATORS, service=OK)
_TO_USER = {"userId": "{author}", "event": "alert", "message": {"title": "Hello"}}

_GATEWAY = (
    Row("POST /api/gateway/send", _BACKENDS, _TO_USER),
    Row("POST /api/gateway/send", _BACKENDS, {**_TO_USER, "userId": "{me}"}, of="to oneself"),
    Row("POST /api/gateway/send", _BACKENDS, {**_TO_USER, "store": True}, of="to be stored"),
    Row("POST /api/gateway/send-many", _BACKENDS, {"userIds": ["{author}"], "event": "alert", "message": 1}),
    Row("GET /api/gateway/status/{author}", _BACKENDS),
    Row("GET /api/gateway/connected", _BACKENDS),
    Row("GET /api/gateway/stats", _BACKENDS),
)

_USERS = (
    Row(f"GET {_V1}/users?query=a", EVERYONE),
    Row(f"GET {_V1}/users/me", EVERYONE),
    Row(f"GET {_V1}/users/me/rights", EVERYONE),
    Row(f"GET {_V1}/users/me/unread", EVERYONE),
    Row(f"PATCH {_V1}/users/me", EVERYONE, {"text": "On holiday"}),
    Row(f"GET {_V1}/users/{{author}}", READERS),
    Row(f"GET {_V1}/users/{{author}}/export", TRUSTED),
    Row(f"GET {_V1}/users/me/export", EVERYONE),
    # Users who share no conversation, or are blocked, receive no presence.
    Row(f"GET {_V1}/users/{{author}}/presence", but(READERS, blocked=FORBIDDEN, blocker=FORBIDDEN)),
    Row(f"GET {_V1}/users/online", but(OPERATORS, service=OK)),
    Row(f"GET {_V1}/presence?userIds={{author}}", EVERYONE),
    Row(f"GET {_V1}/users/me/presence", EVERYONE),
    Row(f"PUT {_V1}/users/me/presence", EVERYONE, {"status": "away"}),
    Row(f"GET {_V1}/calls/ice-servers", EVERYONE),
    Row(f"GET {_V1}/saved", EVERYONE),
    Row(f"GET {_V1}/cards", EVERYONE),
    Row(f"GET {_V1}/turns", EVERYONE),
    Row(f"GET {_V1}/admin/agents", TRUSTED),
    Row(f"GET {_V1}/turns?agentId={{agent}}", TRUSTED, of="an agent of nobody"),
    Row(f"POST {_V1}/turns/claim", NOBODY, {}),
    Row(f"POST {_V1}/turns/claim", but(NOBODY, service=OK), {}, "an agent's", _AS_AGENT),
    Row(f"PATCH {_TURN}", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row(f"POST {_TURN}/done", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row(f"POST {_TURN}/release", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row(f"POST {_TURN}/fail", but(NOBODY, service=OK), _TOKEN, as_service=_AS_AGENT),
    Row(f"POST {_TURN}/retry", TRUSTED),
    Row(f"GET {_V1}/threads", EVERYONE),
    Row(f"GET {_V1}/users/me/preferences", EVERYONE),
    Row(f"PUT {_V1}/users/me/preferences", EVERYONE, {"notify": {"replies": False}}),
    Row(f"GET {_V1}/users/{{author}}/preferences", TRUSTED),
    Row(f"PUT {_V1}/users/{{author}}/preferences", TRUSTED, {"notify": {"replies": False}}),
    Row(f"GET {_V1}/users/me/blocks", EVERYONE),
    Row(f"PUT {_V1}/users/me/blocks/{{author}}", EVERYONE),
    Row(f"DELETE {_V1}/users/me/blocks/{{author}}", EVERYONE),
    Row(f"GET {_V1}/users/me/sessions", EVERYONE),
    Row(f"POST {_V1}/users/me/address-token", EVERYONE),
    Row(f"DELETE {_V1}/users/me/sessions/{{others_session}}", NOBODY, of="another's"),
)

# The back end may ban and erase users, so it may see what operators see. The settings are about the machine.
_CONSOLE = (
    Row(f"GET {_V1}/admin/overview", TRUSTED),
    Row(f"GET {_V1}/admin/users?q=a", TRUSTED),
    Row(f"GET {_V1}/admin/users/{{author}}/sessions", TRUSTED),
    Row(
        f"DELETE {_V1}/admin/users/{{author}}/sessions/{{others_session}}",
        but(NOBODY, service=NOT_FOUND, operator=NOT_FOUND),
        of="another user's",
    ),
    Row(f"GET {_V1}/admin/conversations", TRUSTED),
    Row(f"GET {_V1}/admin/connections", TRUSTED),
    Row(f"GET {_V1}/admin/refusals", TRUSTED),
    Row(f"GET {_V1}/admin/limits", TRUSTED),
    Row(f"GET {_V1}/admin/push", TRUSTED),
    Row(f"GET {_V1}/admin/settings", OPERATORS),
)

_TEAMS = (
    Row(f"GET {_V1}/teams", EVERYONE),
    Row(f"GET {_V1}/teams?memberId={{author}}", TRUSTED, of="of another"),
    Row(f"GET {_V1}/teams/{{team}}", _OWN_TEAM),
    Row(f"GET {_V1}/teams/{{team}}/numbers", _OWN_TEAM),
    Row(f"PUT {_V1}/teams/{{team}}", TRUSTED, {"name": "Support", "memberIds": ["{author}"]}),
    Row(f"POST {_V1}/teams/{{team}}/members", TRUSTED, {"userIds": ["{author}"]}),
    Row(f"DELETE {_V1}/teams/{{team}}/members/{{author}}", TRUSTED),
    Row(f"DELETE {_V1}/teams/{{team}}", TRUSTED),
)

_REST = (
    Row(f"GET {_V1}/search?q=hello", EVERYONE),
    Row(f"GET {_V1}/events?after=start", TRUSTED),
    Row(f"GET {_V1}/webhooks", TRUSTED),
    Row(f"GET {_V1}/search?q=hello&conversationId={{conversation}}", READERS, of="in one conversation"),
    Row(f"GET {_V1}/search/offers?q=hello", EVERYONE),
    Row(f"GET {_V1}/search/offers?q=hello&conversationId={{conversation}}", READERS, of="in one conversation"),
    Row(f"GET {_V1}/sync", USERS),
    Row(f"GET {_V1}/notifications", EVERYONE),
    Row(f"POST {_V1}/notifications/read", EVERYONE, {"ids": ["1"]}),
    Row(f"GET {_V1}/push/key", EVERYONE),
    Row(f"PUT {_V1}/users/me/push", EVERYONE, _PUSH),
    Row(f"GET {_V1}/users/me/push", EVERYONE),
    Row(f"DELETE {_V1}/users/me/push/{{others_session}}", NOBODY, of="another's"),
)

ROUTES = (
    *_AUTH,
    *_CONVERSATIONS,
    *_DESK,
    *_MODERATION,
    *_INVITATIONS,
    *_MESSAGES,
    *_OFFERS,
    *_FILES,
    *_USERS,
    *_TEAMS,
    *_REST,
    *_CONSOLE,
    *_TALKS,
    *_WHATSAPP,
    *_CRM,
    *_GATEWAY,
)
