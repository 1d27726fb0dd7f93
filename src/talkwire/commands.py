"""The chat's commands, as frozen msgspec Structs: `Talkwire.execute` executes them and `Talkwire.before` hooks receive
them.

A `sender_id` is the id of the user on whose behalf the program acts.
"""

from __future__ import annotations

from talkwire.core.commands.accounts import (
    BanUser as BanUser,
    EnsureUser as EnsureUser,
    GetUser as GetUser,
    ListUsers as ListUsers,
    PutUser as PutUser,
    PutUsers as PutUsers,
    RegisterAccount as RegisterAccount,
    SearchUsers as SearchUsers,
    SetPassword as SetPassword,
    UnbanUser as UnbanUser,
)
from talkwire.core.commands.calls import (
    AcceptCall as AcceptCall,
    HangUpCall as HangUpCall,
    InviteToCall as InviteToCall,
    RejectCall as RejectCall,
    SendCallSignal as SendCallSignal,
)
from talkwire.core.commands.cards.deciding import (
    ActOnCard as ActOnCard,
    CancelCard as CancelCard,
    CardReceipt as CardReceipt,
    CloseCard as CloseCard,
    GetCard as GetCard,
    GetReceipt as GetReceipt,
    ListWaitingCards as ListWaitingCards,
    SeenCard as SeenCard,
    WaitingCards as WaitingCards,
)
from talkwire.core.commands.command import (
    Change as Change,
    Command as Command,
    Page as Page,
    Query as Query,
    Signal as Signal,
)
from talkwire.core.commands.conversations import (
    ConversationView as ConversationView,
    CreateConversation as CreateConversation,
    DeleteConversation as DeleteConversation,
    GetConversation as GetConversation,
    ListConversations as ListConversations,
    ListNotices as ListNotices,
    UpdateConversation as UpdateConversation,
)
from talkwire.core.commands.desk.notes import (
    SendNote as SendNote,
)
from talkwire.core.commands.files import (
    FileInMessage as FileInMessage,
    ListFiles as ListFiles,
)
from talkwire.core.commands.integration.webhooks import (
    CreatedWebhook as CreatedWebhook,
    CreateWebhook as CreateWebhook,
    DeleteWebhook as DeleteWebhook,
    GetWebhook as GetWebhook,
    ListWebhookAttempts as ListWebhookAttempts,
    ListWebhooks as ListWebhooks,
    PutWebhook as PutWebhook,
    PutWebhookResult as PutWebhookResult,
    RewindWebhook as RewindWebhook,
    RotateWebhookSecret as RotateWebhookSecret,
    UpdateWebhook as UpdateWebhook,
    WebhookView as WebhookView,
)
from talkwire.core.commands.invitations import (
    AcceptInvitation as AcceptInvitation,
    CreatedInvitation as CreatedInvitation,
    CreateInvitation as CreateInvitation,
    DeleteInvitation as DeleteInvitation,
    ListInvitations as ListInvitations,
    ListInvitedConversations as ListInvitedConversations,
)
from talkwire.core.commands.links import (
    LinkInMessage as LinkInMessage,
    ListLinks as ListLinks,
)
from talkwire.core.commands.members import (
    AddMembers as AddMembers,
    RemoveMember as RemoveMember,
    UpdateMember as UpdateMember,
)
from talkwire.core.commands.messages import (
    AttachmentRef as AttachmentRef,
    DeleteMessage as DeleteMessage,
    EditMessage as EditMessage,
    FollowedThread as FollowedThread,
    FollowedThreads as FollowedThreads,
    FollowThread as FollowThread,
    ForwardMessage as ForwardMessage,
    GetMessage as GetMessage,
    ListMessages as ListMessages,
    ListSaved as ListSaved,
    ListThreads as ListThreads,
    MarkThreadRead as MarkThreadRead,
    MessagePage as MessagePage,
    PinMessage as PinMessage,
    React as React,
    RemoveLinkPreviews as RemoveLinkPreviews,
    SaveMessage as SaveMessage,
    SendMessage as SendMessage,
    ThreadMark as ThreadMark,
    UnfollowThread as UnfollowThread,
    UnpinMessage as UnpinMessage,
    Unreact as Unreact,
    UnsaveMessage as UnsaveMessage,
)
from talkwire.core.commands.moderation.audit import (
    ListAudit as ListAudit,
)
from talkwire.core.commands.moderation.reports import (
    DecideReport as DecideReport,
    GetReportContext as GetReportContext,
    ListReports as ListReports,
    RecordReportContext as RecordReportContext,
    ReportMessage as ReportMessage,
    ReportOffer as ReportOffer,
)
from talkwire.core.commands.notifications import (
    ListNotifications as ListNotifications,
    MarkNotificationsRead as MarkNotificationsRead,
    NotificationPage as NotificationPage,
)
from talkwire.core.commands.offers import (
    CounterOffer as CounterOffer,
    CreateOffer as CreateOffer,
    DeleteOffer as DeleteOffer,
    ListOffers as ListOffers,
    UpdateOffer as UpdateOffer,
)
from talkwire.core.commands.presence import (
    GetPresence as GetPresence,
    SetPresence as SetPresence,
)
from talkwire.core.commands.receipts import (
    GetUnread as GetUnread,
    MarkDelivered as MarkDelivered,
    MarkRead as MarkRead,
    MarkUnread as MarkUnread,
    UnreadTotal as UnreadTotal,
)
from talkwire.core.commands.search import (
    FindPublicConversations as FindPublicConversations,
    SearchMessages as SearchMessages,
    SearchOffers as SearchOffers,
)
from talkwire.core.commands.streams.rating import (
    GetRating as GetRating,
    MessageRating as MessageRating,
    RateMessage as RateMessage,
)
from talkwire.core.commands.sync import (
    GetSyncState as GetSyncState,
    ListEvents as ListEvents,
)
from talkwire.core.commands.typing import (
    SendSignal as SendSignal,
    SetTyping as SetTyping,
)
from talkwire.core.domain.cards.card import (
    AskedCard as AskedCard,
    CardChoice as CardChoice,
    MessageCard as MessageCard,
)
from talkwire.core.domain.parts.message_parts import (
    DataPart as DataPart,
    PlanPart as PlanPart,
    PlanTask as PlanTask,
    ReasoningPart as ReasoningPart,
    SourcePart as SourcePart,
    TextPart as TextPart,
    ToolPart as ToolPart,
)
