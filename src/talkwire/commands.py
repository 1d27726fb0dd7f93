"""The chat's commands, as frozen Structs: `Talkwire.execute` executes them and `Talkwire.before` hooks receive them.

A `sender_id` is the user in whose name the program acts.
"""

from __future__ import annotations

from talkwire.core.commands.accounts import (
    BanUser,
    EnsureUser,
    GetUser,
    ListUsers,
    PutUser,
    PutUsers,
    RegisterAccount,
    SearchUsers,
    SetPassword,
    UnbanUser,
)
from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.commands.command import Change, Command, Page, Query, Signal
from talkwire.core.commands.conversations import (
    ConversationView,
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.integration.webhooks import (
    CreatedWebhook,
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    ListWebhookAttempts,
    ListWebhooks,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
    WebhookView,
)
from talkwire.core.commands.invitations import (
    AcceptInvitation,
    CreatedInvitation,
    CreateInvitation,
    DeleteInvitation,
    ListInvitations,
)
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    ListMessages,
    MessagePage,
    PinMessage,
    React,
    SendMessage,
    UnpinMessage,
    Unreact,
)
from talkwire.core.commands.notifications import ListNotifications, MarkNotificationsRead, NotificationPage
from talkwire.core.commands.offers import CounterOffer, CreateOffer, ListOffers, UpdateOffer
from talkwire.core.commands.presence import GetPresence, SetPresence
from talkwire.core.commands.receipts import MarkDelivered, MarkRead, MarkUnread
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.core.commands.typing import SetTyping

__all__ = [
    "AcceptCall",
    "AcceptInvitation",
    "AddMembers",
    "AttachmentRef",
    "BanUser",
    "Change",
    "Command",
    "ConversationView",
    "CounterOffer",
    "CreateConversation",
    "CreateInvitation",
    "CreateOffer",
    "CreateWebhook",
    "CreatedInvitation",
    "CreatedWebhook",
    "DeleteConversation",
    "DeleteInvitation",
    "DeleteMessage",
    "DeleteWebhook",
    "EditMessage",
    "EnsureUser",
    "FindPublicConversations",
    "ForwardMessage",
    "GetConversation",
    "GetMessage",
    "GetPresence",
    "GetSyncState",
    "GetUser",
    "GetWebhook",
    "HangUpCall",
    "InviteToCall",
    "ListConversations",
    "ListEvents",
    "ListInvitations",
    "ListMessages",
    "ListNotifications",
    "ListOffers",
    "ListUsers",
    "ListWebhookAttempts",
    "ListWebhooks",
    "MarkDelivered",
    "MarkNotificationsRead",
    "MarkRead",
    "MarkUnread",
    "MessagePage",
    "NotificationPage",
    "Page",
    "PinMessage",
    "PutUser",
    "PutUsers",
    "Query",
    "React",
    "RegisterAccount",
    "RejectCall",
    "RemoveMember",
    "RewindWebhook",
    "RotateWebhookSecret",
    "SearchUsers",
    "SendCallSignal",
    "SendMessage",
    "SetPassword",
    "SetPresence",
    "SetTyping",
    "Signal",
    "UnbanUser",
    "UnpinMessage",
    "Unreact",
    "UpdateConversation",
    "UpdateMember",
    "UpdateOffer",
    "UpdateWebhook",
    "WebhookView",
]
