"""A table with the descriptions and bounds of the members of the API's JSON objects, for the OpenAPI and AsyncAPI
documents. The bounds come from the validators' constants.

A member has the same meaning wherever it occurs, so most rows have its name only. A row for `Schema.member` takes
precedence, and a description in the type itself (`msgspec.Meta(description=…)`) over both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from talkwire.core.commands.messages import MODEL_MAX_LENGTH
from talkwire.core.domain.model import ID_MAX_LENGTH, SEQ_MAX
from talkwire.core.domain.notifying.notification_rules import EVERYONE_MAX
from talkwire.core.domain.parts.checks import (
    PART_MAX_BYTES,
    PARTS_MAX,
    PARTS_MAX_BYTES,
    TASKS_MAX,
    TOOL_NAME_MAX_LENGTH,
)
from talkwire.core.domain.texts import AVATAR_MAX_LENGTH, NAME_MAX_LENGTH, TEXT_MAX_BYTES, URL_MAX_LENGTH
from talkwire.core.features.conversations.conversations import (
    ABOUT_MAX_LENGTH,
    RETENTION_MAX_DAYS,
    SLOW_MODE_MAX_S,
    TOPIC_MAX_LENGTH,
)
from talkwire.core.features.conversations.invitations import CONVERSATIONS_MAX, USES_MAX
from talkwire.core.features.conversations.members import MEMBERS_PER_COMMAND_MAX
from talkwire.core.features.conversations.moderation import RESTRICTION_REASON_MAX_LENGTH
from talkwire.core.features.integration.webhooks import DESCRIPTION_MAX_LENGTH, TYPES_MAX
from talkwire.core.features.messages.files import FILE_NAME_MAX
from talkwire.core.features.messages.forwards import TARGETS_MAX
from talkwire.core.features.messages.reactions import EMOJI_MAX_LENGTH
from talkwire.core.features.messages.sending import ATTACHMENTS_MAX
from talkwire.core.features.moderation.reports import NOTE_MAX_LENGTH, WORD_MAX_LENGTH
from talkwire.core.features.users.handles import HANDLE_MAX_LENGTH, HANDLE_MIN_LENGTH
from talkwire.core.features.users.presence_rules import ASKED_MAX
from talkwire.core.features.users.presence_rules import PRESENCE_TEXT_MAX_LENGTH as PRESENCE_TEXT_MAX
from talkwire.core.features.users.users import SERVER_BAN_REASON_MAX_LENGTH
from talkwire.core.features.users.users import USER_TEXT_MAX_LENGTH as USER_TEXT_MAX
from talkwire.identity.accounts import PASSWORD_MIN_LENGTH
from talkwire.identity.passwords import PASSWORD_MAX_LENGTH

Keywords = Mapping[str, Any]
"""Keywords of JSON Schema, such as `maxLength`."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The description of a member of a JSON object, and the JSON Schema keywords (its bounds) to add if the member is a
    string, an integer or an array."""

    text: str
    of_text: Keywords = field(default_factory=dict)
    of_number: Keywords = field(default_factory=dict)
    of_list: Keywords = field(default_factory=dict)


_OF_CARDS: Mapping[str, Meaning] = MappingProxyType(
    {
        "counts": Meaning("How often each action is chosen, by its id."),
        "decidedBy": Meaning("Who chose the action that was decided."),
        "digest": Meaning("The SHA-256 of what the card asks, in hexadecimal digits."),
        "endedAt": Meaning("When the decision ended."),
        "expiresAt": Meaning("When the decision ends by itself."),
        "outcome": Meaning("How the decision has ended; missing before."),
        "input": Meaning("What the last of those who decided has filled in."),
    }
)


def meaning_of(schema: str, member: str) -> Meaning | None:
    """Returns the description and bounds of a schema's member; None if the table has no row for the member, because its
    name and type are clear enough."""
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


def _part_name(text: str) -> Meaning:
    return _text(text, longest=TOOL_NAME_MAX_LENGTH, shortest=1)


def _of_schemas(names: tuple[str, ...], **meanings: Meaning) -> dict[str, Meaning]:
    """Returns rows for the table of meanings: for each of the schemas `names` and each of the members `meanings`, a row
    with the key `Schema.member`."""
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
        "handler": _id(
            "The user who handles the conversation, null if nobody does; only of a conversation with teams."
        ),
        "notesId": _id("The conversation with the teams' notes, null before the first note; only for the teams."),
        "notesOf": _id("The conversation that the notes are about."),
        "counterOf": Meaning("The offer that this one replaces."),
        "deletedBy": Meaning("The user who deleted the message."),
        "messageId": Meaning("The id of the message."),
        "offerId": Meaning("The id of the offer."),
        "onBehalfOf": _id("The user in whose name an agent wrote the message: the agent's owner."),
        "Generated.by": _id("The agent that wrote it."),
        "ownerId": Meaning("The id of the owner."),
        "User.ownerId": Meaning("The person who is responsible for the agent; people have none."),
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
        "MessengerMessageDelta.at": Meaning("The length of the part before the text, in UTF-16 code units."),
        **dict.fromkeys(
            ("MessengerAppend.at", "AppendBody.at"),
            Meaning("The length of the part before the text, in UTF-16 code units: that of the last answer."),
        ),
        **dict.fromkeys(
            ("MessengerRewind.at", "RewindBody.at"),
            Meaning("How much of the part stays, in UTF-16 code units. Without it, the part is removed too."),
        ),
        "createdAt": Meaning("When it was created."),
        "deletedAt": Meaning("When the message was deleted."),
        "deliveredAt": Meaning("When the member's devices received it."),
        "editedAt": Meaning("When the message was last edited."),
        "expiresAt": Meaning("When it expires."),
        "joinedAt": Meaning("When the user became a member."),
        "lastSeenAt": Meaning("When the user was last online."),
        "pinnedAt": Meaning("When the message was pinned."),
        "readAt": Meaning("When it was read."),
        "savedAt": Meaning("When the user saved the message."),
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
        "ifLastSeq": _count(
            "The message is stored only if this is the `seq` of the conversation's newest message then; 0: if it has "
            "no message.",
            SEQ_MAX,
        ),
        "metadata": Meaning("Any JSON object, for the application's use."),
        "pinned": Meaning("Whether the message is pinned."),
        "MessengerRating.comment": Meaning("Why, in the words of the caller."),
        "MessengerRatingReply.comment": Meaning("Why, in the words of the user."),
        "MessengerMessageRated.comment": Meaning("Why, in the words of the user. Missing once the message is deleted."),
        "mine": Meaning("`1` or `-1`, or `0` if the caller has not rated the message."),
        "MessengerMessageRated.rating": Meaning("`1`, `-1`, or `0` if the user has taken the rating back."),
        "up": _count("How many users have rated the message `1`."),
        "down": _count("How many users have rated the message `-1`."),
        "agentId": Meaning("The agent."),
        "agents": Meaning(
            "Which messages are work for agents that are members: those that mention the agent, reply to it, or are in "
            "a thread that it follows (`mentions`), `all`, or none (`off`)."
        ),
        "attempt": _count("The number of the attempt. Commands of earlier ones are refused."),
        "claimableAt": Meaning("When the turn can be claimed."),
        "cardMessageId": Meaning("The message with the card for whose decision the turn waits, or has waited."),
        "leaseUntil": Meaning("When another process can claim the turn, unless it is renewed."),
        "MessengerClaimedTurn.token": Meaning("Names the attempt: it is the `turn` of the agent's commands."),
        "MessengerClaimedTurn.messages": Meaning("The messages that the turn answers, oldest first."),
        "MessengerClaimedTurn.card": Meaning("The message with the card for whose decision the turn has waited."),
        "MessengerClaimedTurn.note": Meaning("What a member of the conversation's teams wrote for the agent."),
        "MessengerTurn.messages": Meaning("The ids of the messages that the turn answers, oldest first."),
        "MessengerTurn.state": Meaning("`waiting` for a claim or a decision, `working`, `done` or `failed`."),
        "MessengerClaimedTurn.state": Meaning("`working`."),
        "MessengerTurn.error": Meaning("Why the turn has failed the last time."),
        "MessengerTurnFailed.error": Meaning("Why the turn has failed the last time."),
        "FailTurnBody.error": Meaning("Why the attempt has failed."),
        "tries": _count("How often the turn has failed so far."),
        "turnId": Meaning("The turn."),
        "turns": Meaning("The turns that were claimed."),
        "MessengerMessage.card": Meaning("What the message asks its readers, and how far the decision is."),
        **{
            f"{schema}.{member}": meaning
            for schema in ("MessengerCard", "MessengerSeenCard", "MessengerCardDecided")
            for member, meaning in _OF_CARDS.items()
        },
        "MessengerCardUpdated.counts": _OF_CARDS["counts"],
        "MessengerSeenCard.mine": Meaning("What the caller has chosen."),
        "MessengerSeenCard.choices": Meaning("What all have chosen, the first 100."),
        "MessengerChoice.at": Meaning("When it was chosen."),
        "MessengerUserChoice.at": Meaning("When it was chosen."),
        "AskedCard.expiresAt": Meaning("When the decision ends by itself, in ISO 8601; at most a year from now."),
        "CardAction.url": Meaning("The address that the action opens."),
        "CardWho.roles": Meaning("Roles in the conversation."),
        "actionIds": Meaning("The ids of the chosen actions."),
        "actionId": Meaning("The id of the action that was decided."),
        "reactions": Meaning("The reactions to the message, one item for each emoji."),
        "replyCount": _count("How many replies the message's thread has."),
        "replyTo": Meaning("The message that this one replies to."),
        "saved": Meaning("Whether the message is saved now."),
        "MessengerSavedListReply.saved": Meaning("The saved messages."),
        "seq": _count("The message's number in its conversation: 1, 2, 3, …"),
        "isRead": Meaning("Whether any user other than the sender has read the message."),
        "remove": Meaning("`true` removes the reaction instead of adding it."),
        "action": Meaning("Whether the reaction was added or removed."),
        "version": Meaning("The number of this version; the first is 1.", of_number={"minimum": 1}),
        "parts": _list(
            f"The parts from which `content` follows: texts of at most {TEXT_MAX_BYTES // 1024} KiB together, other "
            f"parts of at most {PART_MAX_BYTES // 1024} KiB, all of at most {PARTS_MAX_BYTES // 1024} KiB.",
            PARTS_MAX,
        ),
        "TextPart.text": _text("The text in Markdown.", longest=TEXT_MAX_BYTES, shortest=1),
        "ReasoningPart.text": _text("The reasoning in Markdown.", longest=PART_MAX_BYTES, shortest=1),
        "ToolPart.toolCallId": _part_name("The id of this use of the tool, which the agent chose."),
        "ToolPart.name": _part_name("The name of the tool."),
        "ToolPart.state": Meaning("How far the use of the tool is."),
        "ToolPart.title": _text("What people read instead of `name`.", longest=NAME_MAX_LENGTH, shortest=1),
        "ToolPart.input": Meaning("What the tool was given: any JSON."),
        "ToolPart.output": Meaning("What the tool returned: any JSON."),
        "ToolPart.error": _text("Why the use of the tool failed.", longest=PART_MAX_BYTES, shortest=1),
        "ToolPart.cardId": _part_name("The card that asks for an approval."),
        "SourcePart.url": _text("The address of a web page.", longest=URL_MAX_LENGTH, shortest=1),
        "SourcePart.messageId": Meaning("The id of a message. The server does not check that it exists."),
        "SourcePart.fileId": _part_name("The id of a file that the author uploaded."),
        "SourcePart.title": _text("What people read instead of the address.", longest=NAME_MAX_LENGTH, shortest=1),
        "SourcePart.quote": _text(
            "What the source says. The quote of a message is removed when that message is deleted.",
            longest=PART_MAX_BYTES,
            shortest=1,
        ),
        "PlanPart.title": _text("The title of the plan.", longest=NAME_MAX_LENGTH, shortest=1),
        "PlanPart.tasks": _list("The tasks, each with another `id`.", TASKS_MAX, 1),
        "PlanTask.id": _part_name("The id of the task, which the agent chose."),
        "PlanTask.title": _text("What is to be done.", longest=NAME_MAX_LENGTH, shortest=1),
        "PlanTask.status": Meaning("How far the task is."),
        "PlanTask.details": _text("More about the task.", longest=PART_MAX_BYTES, shortest=1),
        "DataPart.name": _part_name("What kind of data it is, for the application's own clients."),
        "DataPart.value": Meaning("Any JSON, for the application's use."),
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
        "MessengerOffer.deletedAt": Meaning("When the offer was deleted."),
        "MessengerOffer.history": Meaning("The offer's statuses up to now."),
        **_of_schemas(
            (
                "MessengerConversation",
                "CreateConversationBody",
                "UpdateConversationBody",
                "MessengerCreateConversation",
                "MessengerUpdateConversation",
            ),
            notify=Meaning(
                "What members are notified of if they have chosen nothing for this conversation: all messages (of at "
                f"most {EVERYONE_MAX} members), only mentions, or nothing. Without it: all messages of a direct "
                "conversation, otherwise mentions and replies."
            ),
        ),
        "history": Meaning("Whether new members see messages from before they joined."),
        **_of_schemas(
            ("User", "Member"),
            kind=Meaning("Whether the user is a person or an agent: a program that writes messages by itself."),
        ),
        "model": _text("The name of the model that the agent used.", longest=MODEL_MAX_LENGTH, shortest=1),
        "generated": Meaning("Set if an agent wrote it."),
        "kind": Meaning("`direct` has two members; `group` and `channel` have any number."),
        "lastCall": Meaning("The newest call that has ended, if it is newer than all messages."),
        "lastMessage": Meaning("The newest message."),
        "lastSeq": _count("The `seq` of the newest message."),
        "memberCount": _count("How many members there are."),
        "members": Meaning("The members."),
        "favourite": Meaning("Whether the conversation is one of the user's favourites."),
        "archived": Meaning(
            "Whether the user has archived the conversation. A new message ends it; in a muted conversation, only one "
            "that mentions the user."
        ),
        "lastOffer": Meaning("The newest offer that the user may see."),
        "listed": Meaning(
            "In a conversation, false for a user who is a member through a team and does not have it in their list. In "
            "an event, whether the members have it in their list from now on."
        ),
        "unreadOfferCount": _count("How many offers and answers to offers are unread."),
        "mentionCount": _count("How many of the unread messages mention the user."),
        "muted": Meaning("Whether the user has muted the conversation."),
        "section": Meaning("The name of the section of the user's list that has the conversation."),
        "mutedUntil": Meaning("When the user's own mute ends by itself. Without it, it lasts until the user ends it."),
        "name": _text("The name.", longest=NAME_MAX_LENGTH),
        "participantCount": _count("How many participants there are."),
        "participants": Meaning("The participants."),
        "public": Meaning("Whether any user can find and join the conversation."),
        "readSeq": _count(f"{_NEWEST_MESSAGE} read."),
        "role": Meaning("The member's role in the conversation."),
        "slowModeS": _count(
            "Seconds that an ordinary member must wait between two messages; 0 for no limit.", SLOW_MODE_MAX_S
        ),
        "handle": _text(
            "The unique name by which the user is found and mentioned. Upper case is converted to lower case.",
            longest=HANDLE_MAX_LENGTH,
            shortest=HANDLE_MIN_LENGTH,
        ),
        "MessengerNotice.id": Meaning("The id of the notice, comparable with those of messages and offers."),
        "MessengerNotice.actorId": Meaning("The user who did it."),
        "MessengerNotice.type": Meaning("What happened."),
        "MessengerNotice.names": Meaning("The current names of the users, by user ID."),
        "MessengerNotice.userIds": Meaning(
            "The first users who joined, were added or removed, or left, or the one whose role changed."
        ),
        "MessengerNotice.role": Meaning("The new role of the user in `userIds`, if it changed."),
        "MessengerNotice.name": Meaning("The new name, if it was changed and not removed."),
        "MessengerNotice.topic": Meaning("The new topic, if it was changed and not removed."),
        "MessengerNotice.history": Meaning(
            "Whether new members see messages from before they joined, if that was changed."
        ),
        "MessengerNotice.public": Meaning("Whether any user can find and join the conversation, if that was changed."),
        "MessengerNotice.slowModeS": _count(
            "Seconds that an ordinary member must wait between two messages, if that was changed; 0 for no limit.",
            SLOW_MODE_MAX_S,
        ),
        "MessengerNotice.reason": Meaning("Why the call ended."),
        "changes": Meaning("Which fields of the conversation were changed."),
        "userCount": _count("How many users joined, were added or removed, or left."),
        "offerStatus": Meaning("The offer's status after the answer."),
        "durationS": _count("Seconds since the first user accepted the call; missing if nobody did."),
        "topic": _text("One line about the subject.", longest=TOPIC_MAX_LENGTH),
        **{
            f"{schema}.description": _text("A text about the conversation.", longest=ABOUT_MAX_LENGTH)
            for schema in (
                "MessengerConversation",
                "CreateConversationBody",
                "UpdateConversationBody",
                "MessengerCreateConversation",
                "MessengerUpdateConversation",
                "MessengerCreatedConversation",
            )
        },
        "MessengerConversation.state": Meaning("Whether the conversation is open; only of a conversation with teams."),
        "waitingSince": Meaning(
            "The time of the oldest message of a customer without an answer, null if nobody waits; only for the teams.",
            of_text={"format": "date-time"},
        ),
        "oldestWaitingSince": Meaning(
            "Since when the customer waits who has waited for the longest time, null if nobody waits.",
            of_text={"format": "date-time"},
        ),
        "open": _count("How many conversations of the team are open."),
        "unhandled": _count("How many open conversations of the team nobody handles."),
        "waiting": _count("In how many open conversations of the team a customer waits."),
        "MessengerDeskConversation.note": Meaning("What the user `by` wrote for the next handler."),
        "unreadCount": _count("How many messages the user has not read."),
        **_of_schemas(
            ("MessengerUnreadTotal", "MessengerUnreadTotalReply"),
            messages=_count("The unread messages; in muted and archived conversations only mentions count."),
            mentions=_count("How many unread messages mention the user, in all conversations."),
            conversations=_count("How many conversations have some of `messages`."),
        ),
        "MessengerRestriction.kind": Meaning(
            "`mute`: the user cannot write in the conversation; `ban`: the user cannot be a member of it."
        ),
        "RestrictBody.reason": _text(
            "The reason, shown to the user and to other moderators.", longest=RESTRICTION_REASON_MAX_LENGTH, shortest=1
        ),
        "MessengerRestriction.reason": Meaning("The reason."),
        "MessengerMute.reason": Meaning("The reason."),
        "mutedByModerator": Meaning("Set when a moderator has muted the caller: the reason, and when the mute ends."),
        "roles": Meaning("The roles of members, by user ID. Only for the role `service`."),
        "createDirect": Meaning("Whether the caller may create direct conversations."),
        "createGroup": Meaning("Whether the caller may create groups."),
        "createChannel": Meaning("Whether the caller may create channels."),
        "chooseHandle": Meaning("Whether the caller may change their own handle."),
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
        "renew": Meaning("True: refuse the device with `conflict` if its user has removed its subscription."),
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
        "suspended": Meaning("Whether nobody can use the invitation, because its creator may not invite at present."),
        "uses": _count("How many times the invitation was used."),
        "offers": Meaning("The offers."),
        "ServerAnswer.offers": Meaning("Whether the web client shows offers."),
        "offerCurrency": Meaning("The currency of a conversation's first offer in the web client."),
        "accounts": Meaning(
            "Who may register: `open` for anyone, `invite` for people with an invitation, `off` for no one."
        ),
        "ProviderAnswer.name": Meaning("How people know the OpenID provider."),
        # --- webhooks -----------------------------------------------------------------------------------------------
        **_of_schemas(
            ("CreateWebhookBody", "PutWebhookBody", "UpdateWebhookBody"),
            url=_text("The address that receives the events.", longest=URL_MAX_LENGTH, shortest=1),
            types=_list("The types of events to send, such as `message:new`; null selects all.", TYPES_MAX, 1),
            conversationIds=_list("The conversations whose events to send; null selects all.", CONVERSATIONS_MAX, 1),
            description=_text("A note for operators.", longest=DESCRIPTION_MAX_LENGTH),
            final=Meaning("Whether a message that is written while others read it is new at its first end."),
            enabled=Meaning("Whether to send events."),
            after=Meaning("A cursor, or `start` for the oldest event that is kept."),
        ),
        "RewindWebhookBody.after": Meaning("A cursor, or `start` for the oldest event that is kept."),
        **_of_schemas(
            ("WebhookAnswer", "CreatedWebhookAnswer", "PutWebhookAnswer"),
            url=Meaning("The address that receives the events."),
            types=Meaning("The types of events that are sent; null stands for all."),
            conversationIds=Meaning("The conversations whose events are sent; null stands for all."),
            description=Meaning("A note for operators."),
            final=Meaning("Whether a message that is written while others read it is new at its first end."),
            enabled=Meaning("Whether events are sent."),
            failing=_count("How many conversations and users wait for a retry."),
            failingSince=Meaning("When the first event that still waits was attempted first; null if none waits."),
            secret=Meaning("The secret that verifies the requests, as Standard Webhooks describes."),
        ),
        "disabledReason": Meaning("Why the webhook is disabled."),
        "WebhookDeliveryAnswer.eventId": Meaning("The id of the event."),
        "WebhookDeliveryAnswer.attempt": _count("The number of this attempt, from 1 on."),
        "WebhookDeliveryAnswer.status": Meaning("The HTTP status of the response; null if there was none."),
        "WebhookDeliveryAnswer.error": Meaning("Why the event was not accepted."),
        "WebhookDeliveryAnswer.type": Meaning("The type of the event, such as `message:new`."),
        "WebhookDeliveryAnswer.response": Meaning("The beginning of the response that did not accept the event."),
        "WebhookDeliveryAnswer.next": Meaning("When the event is sent again.", of_text={"format": "date-time"}),
        "WebhookDeliveryAnswer.durationMs": _count("How long the request took, in milliseconds."),
        "durationMs": _count("How long the sound is, in milliseconds."),
        "waveform": Meaning("The loudness from 0 to 100, at equal distances."),
        "animated": Meaning("Whether the picture moves."),
        "previews": Meaning("The previews of links in the text."),
        "MessengerLinkPreview.url": Meaning("The link, as it is in the text."),
        "siteName": Meaning("How the site calls itself."),
        "webhookId": Meaning("The id of the webhook."),
        # --- the operators' console ---------------------------------------------------------------------------------
        "silentNodes": Meaning("The ids of nodes that are alive, but did not answer in time."),
        "OverviewAnswer.version": Meaning("The version of the node that answers."),
        "OverviewAnswer.nodes": Meaning("The nodes that answered, the oldest first."),
        **_of_schemas(
            ("NodeAnswer",),
            id=Meaning("The id of the node, which changes at each start."),
            version=Meaning("The version of Talkwire."),
            host=Meaning("The name of the machine."),
            pid=Meaning("The id of the process."),
            draining=Meaning("Whether the node is about to stop."),
            connections=_count("How many sockets the node has."),
            users=_count("How many users are connected to the node."),
            loopLagMs=Meaning("How late the event loop was at most in the last ten seconds, in milliseconds."),
            cpuSeconds=Meaning("How much processor time the process has used, in seconds."),
            memoryBytes=_count("How much memory the process uses, in bytes; null where the system does not say it."),
            isSelf=Meaning("Whether this is the node that answers."),
        ),
        **_of_schemas(
            ("BusAnswer",),
            kind=Meaning("What carries news between nodes; `none` where there are no other nodes."),
            state=Meaning("Whether the node reaches the bus."),
            sent=_count("Messages sent."),
            received=_count("Messages received."),
            dropped=_count("Messages that could not be sent or read."),
            refused=_count("Messages that were not of a node of this database."),
        ),
        **_of_schemas(
            ("DatabaseAnswer",),
            kind=Meaning("Which database it is."),
            state=Meaning("Whether the database answers."),
            latencyMs=Meaning("How long it took to answer, in milliseconds; null if it did not."),
            sizeBytes=_count("Its size in bytes; null while it does not answer."),
        ),
        **_of_schemas(
            ("LimitAnswer",),
            name=Meaning("The name of the limit, as in the settings."),
            value=_count("How much is allowed at once."),
            perSeconds=Meaning("In how many seconds a rate limit that is used up is full again."),
            refused=_count("How often more was refused."),
        ),
        **_of_schemas(
            ("RefusalAnswer",),
            at=Meaning("When it was refused the last time."),
            kind=Meaning("What was refused."),
            limit=Meaning("The rate limit that was exceeded."),
            address=Meaning("The IP address of the client."),
            count=_count("How often the same was refused to the same client."),
            detail=Meaning("What the client was told, or the OpenID provider said."),
        ),
        "ConnectionAnswer.address": Meaning("The IP address of the client."),
        "AdminUserAnswer.banned": Meaning("The ban of the user; null if the user is not banned."),
        "AdminUserAnswer.erased": Meaning("Whether the user was erased."),
        "AdminUserAnswer.backend": Meaning("Whether the user stands for the application's backend."),
        "AdminUserAnswer.connections": _count("How many sockets the user has."),
        "BanAnswer.until": Meaning("When the ban ends; null if it does not end by itself."),
        "PushAnswer.waiting": _count("How many devices something is to be sent to."),
        "PushFailureAnswer.kind": Meaning(_PUSH_KIND),
        "PushFailureAnswer.service": Meaning("The scheme, the host and the port of the push service."),
        "PushFailureAnswer.failures": _count("How many attempts have failed since one succeeded."),
        **_of_schemas(
            ("SettingAnswer",),
            name=Meaning("The name of the setting, as in `talkwire.toml`."),
            value=Meaning("The value, written as for a flag; null without one, and for a secret."),
            source=Meaning("Where the value was set."),
            isSecret=Meaning("Whether the setting is a secret, whose value is never shown."),
        ),
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
        "banReason": Meaning("Why the user is banned. Only for the roles service and admin."),
        "bannedUntil": Meaning("When the ban ends by itself. Only for the roles service and admin."),
        "backend": Meaning("Whether the user stands for the backend. Only for the roles service and admin."),
        "BanBody.reason": _text("The reason, shown to the user.", longest=SERVER_BAN_REASON_MAX_LENGTH, shortest=1),
        "MessengerUserBan.reason": Meaning("The reason."),
        # --- the audit log and reports ------------------------------------------------------------------------------
        "MessengerAuditEntry.id": Meaning("The number of the entry. There are no gaps."),
        "MessengerAuditEntry.action": Meaning("What was done."),
        "MessengerAuditEntry.actorId": Meaning(
            "The caller who did it, also where the backend acted for a user; `talkwire/operator` for the command line."
        ),
        "targetId": Meaning(
            "The user, message, offer, conversation, invitation, webhook or report that it was done to."
        ),
        "MessengerAuditEntry.at": Meaning("When it was done.", of_text={"format": "date-time"}),
        "MessengerAuditEntry.address": Meaning("The IP address of the caller; null for the command line."),
        "MessengerAuditEntry.reason": Meaning("The reason that the actor gave."),
        "reporterId": Meaning("The user who reported the message or offer."),
        "note": _text("What the reporter adds.", longest=NOTE_MAX_LENGTH, shortest=1),
        **_of_schemas(
            ("ReportBody", "MessengerReportMessage", "MessengerReportOffer", "MessengerReport"),
            reason=_text("A short word such as `spam`, `abuse` or `other`.", longest=WORD_MAX_LENGTH, shortest=1),
        ),
        **_of_schemas(
            ("DecideReportBody", "MessengerReport"),
            state=Meaning("`dismissed`: nothing is wrong; `resolved`: the report was right."),
            action=Meaning(
                "`delete` deletes the message or offer, `mute` mutes its author in the conversation, `ban` bans the "
                "author from the server."
            ),
        ),
        "DecideReportBody.reason": _text(
            "The reason, shown to those who are notified.", longest=RESTRICTION_REASON_MAX_LENGTH, shortest=1
        ),
        "MessengerReport.content": Meaning(
            "The text as it was reported, while the report is open: it may have been edited or deleted since."
        ),
        "decision": Meaning("The reason of the decision."),
        "decidedAt": Meaning("When the report was decided."),
        "decidedBy": Meaning("The admin who decided."),
        "report": Meaning("The report."),
        "outcome": Meaning(
            "What was decided: about the user's own report `dismissed` or `resolved`, else what was done to the user "
            "or their message."
        ),
        "erased": Meaning("True if the user was erased."),
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
        "statusUntil": Meaning("When the status `dnd` ends by itself and becomes `online`."),
        "textUntil": Meaning("When the status message ends by itself and becomes null."),
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
            "Details: a list of `{path, message}` for `invalid_request`, `{retryAfterMs}` for `rate_limited`, "
            '`{reason: "changed", lastSeq, messages, handler}` for a `conflict` because of `ifLastSeq` or `ifHandler`, '
            "`{handler}` for one because another user handles the conversation."
        ),
        "event": Meaning("The name of the event."),
        "MessengerCustomSignal.name": Meaning("The signal's name, which the application chooses."),
        "MessengerCustomSignal.data": Meaning("JSON of the application."),
        "ErrorBody.message": Meaning("The error in English, for people."),
        "ErrorEvent.message": Meaning("The error in English, for people."),
        "cursor": Meaning("An opaque position: pass it back to continue from there."),
        "hasMore": Meaning("Whether there are more items."),
        "items": Meaning("The items of this page."),
        "limit": Meaning("The largest number of items to return."),
        "more": Meaning("Whether more events may follow after `cursor`."),
        **_of_schemas(
            ("MessengerListConversations",),
            teamId=_id("Only conversations of this team. Users list those of them in which they are."),
            handler=_id("Only conversations that this user handles; `me` is the caller, `none` nobody."),
            state=Meaning("Only conversations of teams that are open, or closed."),
            order=Meaning(
                "`updatedAt`: newest message or offer first, as without this member. `waitingSince`: before these, the "
                "conversations of teams in which a customer waits, longest first."
            ),
            metadata=Meaning(
                "One key, of those that the setting `conversation_keys` names: only conversations whose metadata have "
                "the same value of it."
            ),
        ),
        "next": Meaning("The cursor of the next page; null on the last one."),
        "pos": _count("The event's position in the log."),
        "reconnect": Meaning("Whether the client should connect again."),
        "success": Meaning("Whether the event succeeded."),
        "unread": _count("How many notifications are unread."),
        # --- threads ------------------------------------------------------------------------------------------------
        "FollowedThreadsAnswer.unread": _count("How many followed threads have unread replies."),
        **_of_schemas(
            ("ThreadAnswer", "MessengerFollowedThread", "MessengerThreadMark"),
            following=Meaning("Whether the user follows the thread."),
            readSeq=_count("The `seq` up to which the user has read the thread."),
            unreadCount=_count("How many replies in the thread the user has not read, at most 100."),
        ),
        "root": Meaning("The first message of the thread."),
        "replyId": _id("The id of a reply in the thread."),
        "lastReplyAt": Meaning("When the newest reply was sent."),
        "MessengerThreadSummary.participants": Meaning("Users who have replied, the newest first."),
        **_of_schemas(
            ("MessengerMessage", "MessengerThreadUpdated"),
            thread=Meaning("What the message shows of the thread that it started; missing without replies."),
        ),
        "threads": Meaning("`collapsed` leaves out the replies in threads."),
        **_of_schemas(
            ("ReadBody", "MessengerReadMessages"),
            threads=Meaning("`collapsed` leaves notifications of replies in threads unread."),
        ),
    }
)
