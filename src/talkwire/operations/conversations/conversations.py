"""The operations of conversations, and of what is in them beside messages: notices (joins, leaves and other changes),
files and links. The operations of members are in `members.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec import UNSET, UnsetType

from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    ListNotices,
    UpdateConversation,
)
from talkwire.core.commands.files import ListFiles
from talkwire.core.commands.links import ListLinks
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.domain.model import AgentsPolicy, MemberRole, Notify
from talkwire.core.domain.times import ms_of_datetime
from talkwire.operations.operation import ROUTINE, One, Operation, Paged
from talkwire.operations.shapes import InputMember, Moment, Shape, unset_if_none
from talkwire.payloads.conversations import conversation_payload
from talkwire.payloads.files import sent_file_payload, sent_link_payload
from talkwire.payloads.notices import notice_payload

_TAG = "conversations"
_CONVERSATION = One(conversation_payload, "conversation")

_CHANGES = "Changes to a conversation. An omitted member stays unchanged; null removes a text, a picture or metadata."


def _unset_if_empty(value: object) -> object:
    return value or UNSET


def _created_ms(time: datetime | None) -> int | UnsetType:
    return UNSET if time is None else ms_of_datetime("createdAt", time)


_NEW: Mapping[str, InputMember] = MappingProxyType(
    {
        "owner_id": InputMember(type=str | None, value=unset_if_none, default=None),
        "roles": InputMember(type=dict[str, MemberRole] | None, value=_unset_if_empty, default=None),
        "topic": InputMember(type=str | None, value=_unset_if_empty, default=None),
        "description": InputMember(type=str | None, value=_unset_if_empty, default=None),
        "created_ms": InputMember(type=Moment | None, value=_created_ms, default=None),
        "notify": InputMember(type=Notify | None, value=unset_if_none, default=None),
        "agents": InputMember(type=AgentsPolicy | None, value=unset_if_none, default=None),
        "team_ids": InputMember(type=tuple[str, ...], value=_unset_if_empty, default=()),
    }
)

CONVERSATIONS = (
    Operation(
        CreateConversation,
        event="conversation:create",
        route="POST /conversations",
        tag=_TAG,
        summary="Create a conversation, or get the one with this id or between these two users",
        event_summary="Create a conversation. Two users have one direct conversation, so creating it again returns it.",
        answer=_CONVERSATION,
        members=_NEW,
        body=Shape(
            "CreateConversationBody",
            "A conversation to create. Only callers with the role `service` may set `id`, `ownerId`, `roles` and "
            "`createdAt` (for a conversation from another system), or name users that do not exist yet. A group or "
            "channel that such a caller creates without `ownerId` has no owner. `public` applies to groups and "
            "channels.",
        ),
        payload=Shape(
            "CreateConversationPayload",
            "A conversation to create. Only callers with the role `service` may set `id`, `ownerId` and `roles`, or "
            "name users that do not exist yet. A group or channel that such a caller creates without `ownerId` has no "
            "owner. `public` applies to groups and channels.",
            without=("created_ms",),
        ),
        unaudited=ROUTINE,
    ),
    Operation(
        GetConversation,
        route="GET /conversations/{conversation_id}",
        tag=_TAG,
        summary="Get a conversation with its members",
        answer=_CONVERSATION,
    ),
    Operation(
        UpdateConversation,
        event="conversation:update",
        route="PATCH /conversations/{conversation_id}",
        tag=_TAG,
        summary="Update a group or channel, or set how long a conversation keeps messages",
        event_summary="Update the name, texts, picture, rules or metadata of a group or channel, as its owner or an "
        "admin.",
        answer=_CONVERSATION,
        body=Shape("UpdateConversationBody", _CHANGES),
        payload=Shape("UpdateConversationPayload", _CHANGES, without=("retention_days", "hold")),
    ),
    Operation(
        DeleteConversation,
        event="conversation:delete",
        route="DELETE /conversations/{conversation_id}",
        tag=_TAG,
        summary="Delete a group or channel",
        event_summary="Delete a group or channel with all its messages, as its owner or as the backend.",
    ),
    Operation(
        ListConversations,
        also=(FindPublicConversations,),
        event="conversations:list",
        route="GET /conversations",
        tag=_TAG,
        summary="List the caller's conversations, or search public ones (roles service and admin: all)",
        event_summary="List the user's conversations, newest message or offer first, or search public ones with "
        "`query`.",
        answer=Paged(conversation_payload, "conversations"),
    ),
)

CONTENTS = (
    Operation(
        ListNotices,
        route="GET /conversations/{conversation_id}/notices",
        tag=_TAG,
        summary="List a conversation's joins, leaves, changes and calls, newest first",
        answer=Paged(notice_payload),
    ),
    Operation(
        ListFiles,
        route="GET /conversations/{conversation_id}/files",
        tag=_TAG,
        operation_id="listConversationFiles",
        summary="List the files of a conversation, newest first",
        answer=Paged(sent_file_payload),
        members={"kind": InputMember(meaning="Only pictures and film (`media`), sound (`audio`) or other files")},
    ),
    Operation(
        ListLinks,
        route="GET /conversations/{conversation_id}/links",
        tag=_TAG,
        operation_id="listConversationLinks",
        summary="List the links in a conversation's messages, newest first",
        answer=Paged(sent_link_payload),
    ),
)

OPERATIONS = (*CONVERSATIONS, *CONTENTS)
