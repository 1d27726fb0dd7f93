"""The event that each dialect sends for an action, and the events that the others receive.

`<talk>` and `<message>` stand for ids, `<actor>` for the user who acts, and `<#…>` for the same id as a number. A
received payload must contain the listed members and may have more.
"""

from __future__ import annotations

from tests.chat.chat_client import Payload

JOIN = {
    "talks": ("join-conversation", {"conversationId": "<talk>"}),
    "whatsapp": ("conversation:join", {"conversationId": "<talk>"}),
    "crm": ("joinChat", {"chatId": "<#talk>"}),
    "gateway": ("joinRoom", {"conversationId": "<talk>"}),
}

BY_SOCKET: dict[str, dict[str, tuple[str, Payload]]] = {
    "messenger": {
        "send": ("message:send", {"conversationId": "<talk>", "content": "Hello!"}),
        "edit": ("message:edit", {"messageId": "<message>", "content": "Changed"}),
        "delete": ("message:delete", {"messageId": "<message>"}),
        "react": ("message:react", {"messageId": "<message>", "emoji": "👍"}),
        "unreact": ("message:unreact", {"messageId": "<message>", "emoji": "👍"}),
        "read": ("message:read", {"conversationId": "<talk>", "messageId": "<message>"}),
        "deliver": ("message:delivered", {"conversationId": "<talk>", "messageId": "<message>"}),
        "type": ("typing:start", {"conversationId": "<talk>"}),
        "pause": ("typing:stop", {"conversationId": "<talk>"}),
    },
    "talks": {
        "send": ("message", {"conversationId": "<talk>", "content": "Hello!"}),
        "edit": ("edit-message", {"messageId": "<message>", "content": "Changed"}),
        "delete": ("delete-message", {"messageId": "<message>"}),
        "react": ("react", {"messageId": "<message>", "emoji": "👍"}),
        "unreact": ("react", {"messageId": "<message>", "emoji": "👍", "remove": True}),
        "read": ("read", {"conversationId": "<talk>"}),
        "deliver": ("delivered", {"conversationId": "<talk>", "messageId": "<message>"}),
        "type": ("typing", {"conversationId": "<talk>", "isTyping": True}),
        "pause": ("typing", {"conversationId": "<talk>", "isTyping": False}),
    },
    "whatsapp": {
        "send": ("message:send", {"conversationId": "<talk>", "content": {"text": "Hello!"}}),
        "edit": ("message:edit", {"messageId": "<message>", "content": {"text": "Changed"}}),
        "delete": ("message:delete", {"messageId": "<message>"}),
        "react": ("message:react", {"messageId": "<message>", "emoji": "👍"}),
        "unreact": ("message:react", {"messageId": "<message>", "emoji": "👍", "remove": True}),
        "read": ("message:read", {"conversationId": "<talk>"}),
        "deliver": ("message:delivered", {"conversationId": "<talk>", "messageId": "<message>"}),
        "type": ("typing:start", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": True}),
        "pause": ("typing:stop", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": False}),
    },
    "crm": {
        "send": ("sendMessage", {"chatId": "<#talk>", "content": "Hello!"}),
        "edit": ("updateMessage", {"messageId": "<#message>", "content": "Changed"}),
        "delete": ("deleteMessage", {"messageId": "<#message>"}),
        "react": ("reactToMessage", {"messageId": "<#message>", "emoji": "👍"}),
        "unreact": ("reactToMessage", {"messageId": "<#message>", "emoji": "👍", "remove": True}),
        "read": ("markAsRead", {"chatId": "<#talk>", "messageId": "<#message>"}),
        "deliver": ("messageDelivered", {"chatId": "<#talk>", "messageId": "<#message>"}),
        "type": ("typing", {"chatId": "<#talk>", "isTyping": True}),
        "pause": ("typing", {"chatId": "<#talk>", "isTyping": False}),
    },
    "gateway": {
        "send": ("message", {"conversationId": "<talk>", "message": "Hello!"}),
        "read": ("markRead", {"conversationId": "<talk>"}),
        "type": ("startTyping", {"conversationId": "<talk>"}),
        "pause": ("stopTyping", {"conversationId": "<talk>"}),
    },
}

BY_REST: dict[str, dict[str, tuple[str, str, Payload | None]]] = {
    "messenger": {
        "send": ("POST", "/api/v1/messages", {"conversationId": "<talk>", "content": "Hello!"}),
        "edit": ("PATCH", "/api/v1/messages/<message>", {"content": "Changed"}),
        "delete": ("DELETE", "/api/v1/messages/<message>", None),
        "react": ("PUT", "/api/v1/messages/<message>/reactions/👍", None),
        "unreact": ("DELETE", "/api/v1/messages/<message>/reactions/👍", None),
        "read": ("POST", "/api/v1/conversations/<talk>/read", {"messageId": "<message>"}),
        "deliver": ("POST", "/api/v1/conversations/<talk>/delivered", {"messageId": "<message>"}),
        "type": ("POST", "/api/v1/conversations/<talk>/typing", {"isTyping": True}),
        "pause": ("POST", "/api/v1/conversations/<talk>/typing", {"isTyping": False}),
    },
    "talks": {
        "send": ("POST", "/api/v1/talks/<talk>/message", {"content": "Hello!"}),
        "read": ("POST", "/api/v1/talks/<talk>/read", None),
    },
    "whatsapp": {
        "send": (
            "POST",
            "/api/v1/whatsapp/messages",
            {"conversationId": "<talk>", "type": "text", "content": {"text": "Hello!"}},
        ),
        "read": ("POST", "/api/v1/whatsapp/conversations/<talk>/read", None),
        "deliver": ("PATCH", "/api/v1/whatsapp/messages/<message>/status", {"status": "delivered"}),
    },
    "crm": {
        "send": ("POST", "/chat-messages", {"chatId": "<#talk>", "content": "Hello!"}),
        "edit": ("PATCH", "/chat-messages/<message>", {"content": "Changed"}),
        "delete": ("DELETE", "/chat-messages/<message>", None),
    },
    "gateway": {},
}

_OF_MESSENGER = {"conversationId": "<talk>", "messageId": "<message>", "userId": "<actor>"}
_OF_CRM = {"chatId": "<#talk>", "messageId": "<#message>", "userId": "<actor>"}

HEARD: dict[str, dict[str, list[tuple[str, Payload]]]] = {
    "send": {
        "messenger": [("message:new", {"conversationId": "<talk>", "senderId": "<actor>", "content": "Hello!"})],
        "talks": [("message", {"conversationId": "<talk>", "userId": "<actor>", "content": "Hello!"})],
        "whatsapp": [
            ("message:received", {"conversationId": "<talk>", "senderId": "<actor>", "content": {"text": "Hello!"}})
        ],
        "crm": [("newMessage", {"chatId": "<#talk>", "message": {"senderId": "<actor>", "message": "Hello!"}})],
        "gateway": [("roomMessage", {"conversationId": "<talk>", "senderId": "<actor>", "message": "Hello!"})],
    },
    "edit": {
        "messenger": [("message:updated", {"id": "<message>", "senderId": "<actor>", "content": "Changed"})],
        "talks": [("message-updated", {"id": "<message>", "userId": "<actor>", "content": "Changed"})],
        "whatsapp": [("message:updated", {"id": "<message>", "content": {"text": "Changed"}})],
        "crm": [("messageUpdated", {"chatId": "<#talk>", "message": {"id": "<#message>", "message": "Changed"}})],
        "gateway": [("messageUpdated", {"id": "<message>", "senderId": "<actor>", "message": "Changed"})],
    },
    "delete": {
        "messenger": [
            ("message:deleted", {"messageId": "<message>", "conversationId": "<talk>", "deletedBy": "<actor>"}),
            ("conversation:unread", {"conversationId": "<talk>", "unreadCount": 0}),
        ],
        "talks": [("message-deleted", {"messageId": "<message>", "conversationId": "<talk>"})],
        "whatsapp": [("message:deleted", {"messageId": "<message>", "conversationId": "<talk>"})],
        "crm": [("messageDeleted", {"messageId": "<#message>", "chatId": "<#talk>"})],
        "gateway": [("messageDeleted", {"messageId": "<message>", "conversationId": "<talk>"})],
    },
    "react": {
        "messenger": [
            ("message:reaction", {**_OF_MESSENGER, "emoji": "👍", "action": "added"}),
            ("message:reaction:new", {**_OF_MESSENGER, "emoji": "👍", "action": "added"}),
        ],
        "talks": [("reaction", {**_OF_MESSENGER, "emoji": "👍"})],
        "whatsapp": [("message:reaction", {**_OF_MESSENGER, "emoji": "👍"})],
        "crm": [("messageReaction", {**_OF_CRM, "emoji": "👍"})],
        "gateway": [],
    },
    "unreact": {
        "messenger": [
            ("message:reaction", {**_OF_MESSENGER, "emoji": "👍", "action": "removed"}),
            ("message:reaction:new", {**_OF_MESSENGER, "emoji": "👍", "action": "removed"}),
        ],
        "talks": [("reaction", {**_OF_MESSENGER, "emoji": "👍"})],
        "whatsapp": [("message:reaction", {**_OF_MESSENGER, "emoji": "👍"})],
        "crm": [("messageReaction", {**_OF_CRM, "emoji": "👍"})],
        "gateway": [],
    },
    "read": {
        "messenger": [("message:read:receipt", _OF_MESSENGER)],
        "talks": [("read", {"conversationId": "<talk>", "userId": "<actor>"})],
        "whatsapp": [("message:status", {**_OF_MESSENGER, "status": "read"})],
        "crm": [("messageRead", _OF_CRM)],
        "gateway": [("messagesRead", _OF_MESSENGER)],
    },
    "deliver": {
        "messenger": [("message:delivered:receipt", _OF_MESSENGER)],
        "talks": [("delivered", _OF_MESSENGER)],
        "whatsapp": [("message:status", {**_OF_MESSENGER, "status": "delivered"})],
        "crm": [("messageDelivered", _OF_CRM)],
        "gateway": [],
    },
    "type": {
        "messenger": [("typing:user", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": True})],
        "talks": [("typing", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": True})],
        "whatsapp": [("typing:start", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": True})],
        "crm": [("userTyping", {"chatId": "<#talk>", "userId": "<actor>", "isTyping": True})],
        "gateway": [("typing", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": True})],
    },
    "pause": {
        "messenger": [("typing:user", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": False})],
        "talks": [("typing", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": False})],
        "whatsapp": [("typing:stop", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": False})],
        "crm": [("userTyping", {"chatId": "<#talk>", "userId": "<actor>", "isTyping": False})],
        "gateway": [("typing", {"conversationId": "<talk>", "userId": "<actor>", "isTyping": False})],
    },
}

# Events for a member's socket that has not joined the conversation or has left it.
HEARD_OUTSIDE: dict[str, dict[str, list[tuple[str, Payload]]]] = {
    action: {name: [] for name in received} for action, received in HEARD.items()
}
HEARD_OUTSIDE["send"]["gateway"] = [("notification", {"type": "message", "conversationId": "<talk>", "body": "Hello!"})]
HEARD_OUTSIDE["send"]["talks"] = [
    ("new-message", {"conversationId": "<talk>", "message": {"content": "Hello!", "user": {"id": "<actor>"}}})
]
HEARD_OUTSIDE["delete"]["messenger"] = HEARD["delete"]["messenger"][1:]

OF_THE_ACTOR = {"edit", "delete"}
"""Actions that only the author of a message may take."""
