"""Descriptions of the members of the API's JSON objects, and their bounds, which come from the validators' constants.

A member has the same meaning wherever it occurs, so most rows have its name only. A row for `Schema.member` takes
precedence, and a description in the type itself (`msgspec.Meta(description=…)`) over both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from talkwire.core.domain.model import ID_MAX_LENGTH
from talkwire.core.domain.texts import AVATAR_MAX_LENGTH, NAME_MAX_LENGTH, TEXT_MAX_BYTES
from talkwire.core.features.conversations.conversations import RETENTION_MAX_DAYS, SLOW_MODE_MAX_S
from talkwire.core.features.conversations.invitations import CONVERSATIONS_MAX, USES_MAX
from talkwire.core.features.conversations.members import MEMBERS_PER_COMMAND_MAX
from talkwire.core.features.conversations.moderation import REASON_MAX_LENGTH
from talkwire.core.features.integration.webhooks import DESCRIPTION_MAX_LENGTH, TYPES_MAX
from talkwire.core.features.messages.files import FILE_NAME_MAX
from talkwire.core.features.messages.forwards import TARGETS_MAX
from talkwire.core.features.messages.reactions import EMOJI_MAX_LENGTH
from talkwire.core.features.messages.sending import ATTACHMENTS_MAX, URL_MAX_LENGTH
from talkwire.core.features.users.presence_rules import ASKED_MAX
from talkwire.core.features.users.presence_rules import TEXT_MAX_LENGTH as PRESENCE_TEXT_MAX
from talkwire.core.features.users.users import TEXT_MAX_LENGTH as USER_TEXT_MAX
from talkwire.identity.accounts import PASSWORD_MIN_LENGTH
from talkwire.identity.passwords import PASSWORD_MAX_LENGTH

Keywords = Mapping[str, Any]
"""Keywords of JSON Schema, such as `maxLength`."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A member's description, and the JSON Schema keywords to add if the member is a string, an integer or an array."""

    text: str
    of_text: Keywords = field(default_factory=dict)
    of_number: Keywords = field(default_factory=dict)
    of_list: Keywords = field(default_factory=dict)


def meaning_of(schema: str, member: str) -> Meaning | None:
    """Returns the description of a schema's member, or None if its name and type say everything."""
    found = _MEANINGS.get(f"{schema}.{member}") or _MEANINGS.get(member)
    if found is None and _TIME.fullmatch(member):
        found = Meaning("")
    if found is None or not _TIME.fullmatch(member):
        return found
    return replace(found, of_text={"format": "date-time", **found.of_text})


_TIME = re.compile(r"\w+At|at|until|timestamp")
"""Names of members that are times; as strings, they are in ISO 8601 and UTC."""


def _text(text: str, *, longest: int, shortest: int = 0) -> Meaning:
    return Meaning(text, of_text={"minLength": shortest, "maxLength": longest} if shortest else {"maxLength": longest})


def _count(text: str, maximum: int | None = None) -> Meaning:
    return Meaning(text, of_number={"minimum": 0} if maximum is None else {"minimum": 0, "maximum": maximum})


def _list(text: str, longest: int, shortest: int = 0) -> Meaning:
    return Meaning(text, of_list={"minItems": shortest, "maxItems": longest} if shortest else {"maxItems": longest})


def _id(text: str) -> Meaning:
    return _text(text, longest=ID_MAX_LENGTH, shortest=1)


def _of_schemas(names: tuple[str, ...], **meanings: Meaning) -> dict[str, Meaning]:
    """Returns the rows of members that mean the same in several schemas."""
    return {f"{name}.{member}": meaning for name in names for member, meaning in meanings.items()}


_NEWEST_MESSAGE = "The `seq` of the newest message that the member has"
_PUSH_KIND = "`web`: a browser; `gateway`: a native app, by the Matrix Push Gateway API."
_ACTOR = "The user who caused it, or whom alone it concerns; missing for the back end and the server."
_MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        # --- ids ----------------------------------------------------------------------------------------------------
        "actorId": Meaning("The user who caused the notification."),
        "authorId": Meaning("The user who made the offer."),
        "by": Meaning("The user who made the change."),
        "callId": Meaning("The id of the call."),
        "chatId": Meaning("The id of the chat, which other dialects call a conversation."),
        "clientMessageId": _text(
            "An id that the sender chose. Sending again with the same id stores the message once.",
            longest=ID_MAX_LENGTH,
            shortest=1,
        ),
        "conversationId": _id("The id of the conversation."),
        "counterOf": Meaning("The offer that this one replaces."),
        "deletedBy": Meaning("The user who deleted the message."),
        "messageId": Meaning("The id of the message."),
        "offerId": Meaning("The id of the offer."),
        "ownerId": Meaning("The id of the owner."),
        "receiverId": _id("The id of the other user of a direct talk."),
        "replyToId": Meaning("The message that this one replies to."),
        "senderId": _id("The id of the user who sent it."),
        "socketId": Meaning("The id of this socket."),
        "threadId": Meaning("The first message of the thread that the message belongs to."),
        "toUserId": Meaning("The only user to receive the signal; without it, all other sides of the call do."),
        "uploadId": Meaning("The id of the upload."),
        "userId": _id("The id of the user."),
        "conversationIds": Meaning("The ids of the conversations."),
        "ForwardMessageBody.conversationIds": _list("The conversations to copy the message to.", TARGETS_MAX, 1),
        "MessengerForward.conversationIds": _list("The conversations to copy the message to.", TARGETS_MAX, 1),
        "CreateInvitationBody.conversationIds": _list("The conversations to join.", CONVERSATIONS_MAX),
        "createdBy": Meaning("The user who created it."),
        "MarkNotificationsReadBody.ids": Meaning("The notifications to mark as read."),
        "MarkNotificationsReadBody.all": Meaning("`true` marks all notifications as read."),
        "memberIds": _list(
            "The ids of the users to add; the creator always becomes a member.", MEMBERS_PER_COMMAND_MAX
        ),
        "participantIds": _list("The ids of the members of the group.", MEMBERS_PER_COMMAND_MAX),
        "userIds": Meaning("The ids of the users."),
        "AddMembersBody.userIds": _list("The users to add.", MEMBERS_PER_COMMAND_MAX),
        "MessengerAddMembers.userIds": _list("The users to add.", MEMBERS_PER_COMMAND_MAX),
        "MessengerUserIds.userIds": _list("The ids of the users.", ASKED_MAX),
        "TalksUserIds.userIds": _list("The ids of the users.", ASKED_MAX),
        "WhatsappUserIds.userIds": _list("The ids of the users.", ASKED_MAX),
        # --- times --------------------------------------------------------------------------------------------------
        "at": Meaning("When it happened."),
        "createdAt": Meaning("When it was created."),
        "deletedAt": Meaning("When the message was deleted."),
        "deliveredAt": Meaning("When the member's devices received it."),
        "editedAt": Meaning("When the message was last edited."),
        "expiresAt": Meaning("When it expires."),
        "joinedAt": Meaning("When the user became a member."),
        "lastSeenAt": Meaning("When the user was last online."),
        "pinnedAt": Meaning("When the message was pinned."),
        "readAt": Meaning("When it was read."),
        "timestamp": Meaning("When it happened."),
        "until": Meaning("When it ends. Without it, it lasts until a moderator ends it."),
        "updatedAt": Meaning("When it last changed."),
        "expiresIn": _count("Seconds until the access token expires."),
        "pong": _count("The server's clock: milliseconds since 1970-01-01."),
        # --- messages -----------------------------------------------------------------------------------------------
        "attachments": _list("The attached files.", ATTACHMENTS_MAX),
        "content": _text(f"The message's text: at most {TEXT_MAX_BYTES // 1024} KiB of UTF-8.", longest=TEXT_MAX_BYTES),
        "WhatsappContentBody.text": _text("The message's text.", longest=TEXT_MAX_BYTES),
        "WhatsappContent.text": Meaning("The message's text."),
        "imported": Meaning("Whether the message was imported with its original time."),
        "CrmMessage.message": Meaning("The same as `content`."),
        "emoji": _text("An emoji, or the name of a custom emoji as `:name:`.", longest=EMOJI_MAX_LENGTH, shortest=1),
        "forwardedFrom": Meaning("The message that this one is a copy of."),
        "mentions": Meaning("The users whom the text mentions."),
        "mentionsAll": Meaning("Whether the text mentions everyone."),
        "metadata": Meaning("Any JSON object, for the application's use."),
        "pinned": Meaning("Whether the message is pinned."),
        "reactions": Meaning("The reactions to the message, one item for each emoji."),
        "replyCount": _count("How many replies the message's thread has."),
        "replyTo": Meaning("The message that this one replies to."),
        "seq": _count("The message's number in its conversation: 1, 2, 3, …"),
        "isRead": Meaning("Whether any user other than the sender has read the message."),
        "remove": Meaning("`true` removes the reaction instead of adding it."),
        "action": Meaning("Whether the reaction was added or removed."),
        "version": Meaning("The number of this version; the first is 1.", of_number={"minimum": 1}),
        # --- files --------------------------------------------------------------------------------------------------
        "contentType": Meaning("The media type, such as `image/png`."),
        "height": _count("Height in pixels."),
        "width": _count("Width in pixels."),
        "received": _count("Bytes received so far."),
        "size": _count("Size in bytes."),
        "thumbnailUrl": Meaning("The address of a small picture of the file."),
        "url": _text("The file's address; a relative one is on this server.", longest=URL_MAX_LENGTH),
        "MessengerAttachment.kind": Meaning(
            "The type of the message that the file was sent with, if the sender set it."
        ),
        "MessengerFile.name": _text("The file's name.", longest=FILE_NAME_MAX),
        # --- conversations and members ------------------------------------------------------------------------------
        "avatar": _text("The address of a picture.", longest=AVATAR_MAX_LENGTH),
        "deliveredSeq": _count(f"{_NEWEST_MESSAGE} received."),
        "MessengerOffer.history": Meaning("The offer's statuses up to now."),
        "history": Meaning("Whether new members see messages from before they joined."),
        "kind": Meaning("`direct` has two members; `group` and `channel` have any number."),
        "lastMessage": Meaning("The newest message."),
        "lastSeq": _count("The `seq` of the newest message."),
        "memberCount": _count("How many members there are."),
        "members": Meaning("The members."),
        "mentionCount": _count("How many of the unread messages mention the user."),
        "muted": Meaning("Whether the user has muted the conversation."),
        "name": _text("The name.", longest=NAME_MAX_LENGTH),
        "participantCount": _count("How many participants there are."),
        "participants": Meaning("The participants."),
        "public": Meaning("Whether any user can find and join the conversation."),
        "readSeq": _count(f"{_NEWEST_MESSAGE} read."),
        "role": Meaning("The member's role in the conversation."),
        "slowModeS": _count(
            "Seconds that an ordinary member must wait between two messages; 0 for no limit.", SLOW_MODE_MAX_S
        ),
        "unreadCount": _count("How many messages the user has not read."),
        "MessengerRestriction.kind": Meaning(
            "`mute`: the user cannot write in the conversation; `ban`: the user cannot be a member of it."
        ),
        "RestrictBody.reason": _text(
            "The reason, shown to the user and to other moderators.", longest=REASON_MAX_LENGTH, shortest=1
        ),
        "MessengerRestriction.reason": Meaning("The reason."),
        "MessengerMute.reason": Meaning("The reason."),
        "mutedByModerator": Meaning("Set when a moderator has muted the caller: the reason, and when the mute ends."),
        "roles": Meaning("The roles of members, by user ID. Only for the role `service`."),
        "createDirect": Meaning("Whether the caller may create direct conversations."),
        "createGroup": Meaning("Whether the caller may create groups."),
        "createChannel": Meaning("Whether the caller may create channels."),
        "deleteConversation": Meaning("Whether the caller may delete conversations that they own."),
        # --- pushes -------------------------------------------------------------------------------------------------
        "MessengerPushSubscription.kind": Meaning(_PUSH_KIND),
        "MessengerSubscribe.kind": Meaning(_PUSH_KIND),
        "MessengerPushSubscription.url": Meaning("The address of a native app's push gateway."),
        "MessengerSubscribe.url": Meaning("The address of a native app's push gateway."),
        "endpoint": Meaning("The address at which the browser's push service receives pushes."),
        "keys": Meaning("The browser's keys, with which pushes are encrypted."),
        "p256dh": Meaning("The browser's public key, in base64url."),
        "auth": Meaning("The browser's authentication secret, in base64url."),
        "publicKey": Meaning("The server's public key, in base64url."),
        "appId": Meaning("The id of the native app at its gateway."),
        "pushKey": Meaning("What the gateway knows the native app's device by."),
        "deviceId": Meaning("What the device gives as `auth.deviceId` when it connects."),
        "renewedAt": Meaning("When the device last sent its subscription."),
        "sessionId": Meaning("The id of a sign-in."),
        # --- the event stream ---------------------------------------------------------------------------------------
        "MessengerLogEvent.id": Meaning("The id of the event, which is also the cursor behind it."),
        "MessengerWebhookEvent.id": Meaning("The id of the event, which is also the cursor behind it."),
        "MessengerLogEvent.type": Meaning("What happened, such as `message:new`."),
        "MessengerWebhookEvent.type": Meaning("What happened, such as `message:new`."),
        "time": Meaning("When it happened."),
        "MessengerLogEvent.actorId": Meaning(_ACTOR),
        "MessengerWebhookEvent.actorId": Meaning(_ACTOR),
        "MessengerWebhookEvent.data": Meaning("The data of the event, which depends on its type."),
        "MessengerWebhookChanged.action": Meaning("What was done with the webhook."),
        "redact": Meaning("Whether the messages of the user are deleted too."),
        "callerId": Meaning("The id of the user who called."),
        "invitationId": Meaning("The id of the invitation."),
        "disabledAt": Meaning("When it was disabled."),
        # --- invitations --------------------------------------------------------------------------------------------
        "MessengerCreatedInvitation.code": Meaning("The code with which people register or join."),
        "MessengerCreatedInvitation.url": Meaning("The link for the people who are invited. It contains the code."),
        "invitation": Meaning("The code of an invitation."),
        "maxUses": Meaning("How many times the invitation can be used.", of_number={"minimum": 1, "maximum": USES_MAX}),
        "uses": _count("How many times the invitation was used."),
        "accounts": Meaning(
            "Who may register: `open` for anyone, `invite` for people with an invitation, `off` for no one."
        ),
        # --- webhooks -----------------------------------------------------------------------------------------------
        **_of_schemas(
            ("CreateWebhookBody", "UpdateWebhookBody"),
            url=_text("The address that receives the events.", longest=URL_MAX_LENGTH, shortest=1),
            types=_list("The types of events to send, such as `message:new`; null selects all.", TYPES_MAX, 1),
            conversationIds=_list("The conversations whose events to send; null selects all.", CONVERSATIONS_MAX, 1),
            description=_text("A note for operators.", longest=DESCRIPTION_MAX_LENGTH),
            enabled=Meaning("Whether to send events."),
            after=Meaning("A cursor, or `start` for the oldest event that is kept."),
        ),
        "RewindWebhookBody.after": Meaning("A cursor, or `start` for the oldest event that is kept."),
        **_of_schemas(
            ("WebhookAnswer", "CreatedWebhookAnswer"),
            url=Meaning("The address that receives the events."),
            types=Meaning("The types of events that are sent; null stands for all."),
            conversationIds=Meaning("The conversations whose events are sent; null stands for all."),
            description=Meaning("A note for operators."),
            enabled=Meaning("Whether events are sent."),
            failing=_count("How many conversations and users wait for a retry."),
            secret=Meaning("The secret that verifies the requests, as Standard Webhooks describes."),
        ),
        "disabledReason": Meaning("Why the webhook is disabled."),
        "WebhookDeliveryAnswer.eventId": Meaning("The id of the event."),
        "WebhookDeliveryAnswer.attempt": _count("The number of this attempt, from 1 on."),
        "WebhookDeliveryAnswer.status": Meaning("The HTTP status of the response; null if there was none."),
        "WebhookDeliveryAnswer.error": Meaning("Why the event was not accepted."),
        "WebhookDeliveryAnswer.next": Meaning("When the event is sent again.", of_text={"format": "date-time"}),
        "durationMs": _count("How long the request took, in milliseconds."),
        "webhookId": Meaning("The id of the webhook."),
        # --- locations ----------------------------------------------------------------------------------------------
        "place": Meaning("A location on the map."),
        "MessengerPlace.address": Meaning("The location's postal address."),
        "WhatsappContent.address": Meaning("The location's postal address."),
        "WhatsappContentBody.address": Meaning("The location's postal address."),
        "latitude": Meaning("Degrees north.", of_number={"minimum": -90, "maximum": 90}),
        "longitude": Meaning("Degrees east.", of_number={"minimum": -180, "maximum": 180}),
        "caption": Meaning("The text shown with an image, a video, an audio file, a document or a location."),
        "isTyping": Meaning("Whether the user is typing."),
        # --- users and sign-in --------------------------------------------------------------------------------------
        "accessToken": Meaning("The token that authenticates API requests."),
        "address": Meaning("The IP address that the device last used."),
        "current": Meaning("Whether this device made the request."),
        "currentPassword": Meaning("The current password."),
        "email": Meaning("The e-mail address."),
        "banned": Meaning("Whether the user is banned from the server."),
        "erased": Meaning("True if the user was erased. Only for the roles service and admin."),
        "hold": Meaning(
            "True if nothing of the user or in the conversation may be deleted. Only for the roles service and admin."
        ),
        "retentionDays": _count(
            "For how many days messages are kept here; null or missing for the server's setting. Only the roles "
            "service and admin set it.",
            RETENTION_MAX_DAYS,
        ),
        "EraseMeBody.password": Meaning("The caller's password."),
        "UserOfBatch.id": _id("The id of the user."),
        "PutUsersBody.users": Meaning("The users to create or update: 1 to 100, each once."),
        "newPassword": _text("The new password.", longest=PASSWORD_MAX_LENGTH, shortest=PASSWORD_MIN_LENGTH),
        "RegisterBody.password": _text("The password.", longest=PASSWORD_MAX_LENGTH, shortest=PASSWORD_MIN_LENGTH),
        "password": Meaning("The password."),
        "refreshToken": Meaning("The token that is exchanged for new tokens. It can be used once."),
        "SignedInAnswer.token": Meaning("The same as `accessToken`."),
        "token": Meaning("A newer access token of the same user."),
        "userAgent": Meaning("The browser or app, from its `User-Agent` header."),
        "username": Meaning("The user's name."),
        "userName": Meaning("The user's name."),
        "MessengerPresence.text": Meaning("The status message."),
        "SetPresenceBody.text": _text("A status message.", longest=PRESENCE_TEXT_MAX),
        "MessengerSetPresence.text": _text("A status message.", longest=PRESENCE_TEXT_MAX),
        "UpdateUserBody.text": _text("A short text in which users describe themselves.", longest=USER_TEXT_MAX),
        "MessengerUser.text": Meaning("A short text in which users describe themselves."),
        "IceServerAnswer.username": Meaning("The user name for the TURN server."),
        "IceServerAnswer.credential": Meaning("The password for the TURN server."),
        "IceServerAnswer.urls": Meaning("The server's addresses: `stun:` or `turn:`."),
        # --- notification preferences -------------------------------------------------------------------------------
        "MessengerNotify.mentions": Meaning("Whether messages that mention the user cause notifications."),
        "MessengerSounds.mentions": Meaning("The sound of notifications of messages that mention the user."),
        # --- pages, answers and refusals ----------------------------------------------------------------------------
        "code": Meaning("The error code, for programs."),
        "details": Meaning(
            "Details: a list of `{path, message}` for `invalid_request`, `{retryAfterMs}` for `rate_limited`."
        ),
        "event": Meaning("The name of the event."),
        "ErrorBody.message": Meaning("The error in English, for people."),
        "ErrorEvent.message": Meaning("The error in English, for people."),
        "cursor": Meaning("An opaque position: pass it back to continue from there."),
        "hasMore": Meaning("Whether there are more items."),
        "items": Meaning("The items of this page."),
        "limit": Meaning("The largest number of items to return."),
        "more": Meaning("Whether more events may follow after `cursor`."),
        "next": Meaning("The cursor of the next page; null on the last one."),
        "pos": _count("The event's position in the log."),
        "reconnect": Meaning("Whether the client should connect again."),
        "success": Meaning("Whether the event succeeded."),
        "unread": _count("How many notifications are unread."),
    }
)
