"""REST routes for clients of the `talks` dialect, which call a conversation a talk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import UNSET
from msgspec.structs import replace

from talkwire.api.description.counterparts import executes
from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.created import created_or_existing, existing
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.api.operation_routes import Limit, routes_of
from talkwire.api.resources.receipts import read_answer
from talkwire.core.commands.conversations import (
    ConversationView,
    CreateConversation,
    GetConversation,
    ListConversations,
)
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.commands.offers import CreateOffer
from talkwire.core.domain.access import acting_as
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, ConversationKind, MemberRole
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.dialects.talks.payloads import MessagePayload, SendBody, UserPayload, message_payload, to_send
from talkwire.operations.messages.receipts import read_of_dialect
from talkwire.operations.operation import One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.offers import offer_payload
from talkwire.payloads.payload import Payload, TolerantPayload, iso

IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Used as clientMessageId if the body has none")
]

PARTICIPANTS_LISTED = 20
"""Most participants of a talk that lists include; larger talks are listed without them, to bound the size of a page."""


class OpenTalkBody(TolerantPayload, frozen=True):
    """A talk (a conversation) to open: a direct talk with one user (`receiverId`), or a group (`participantIds`) with
    an optional name. Only callers with the role `service` set `id`, `senderId` (the user who opens a direct talk),
    `ownerId` and `roles` (both of a group). A group that such a caller creates without `ownerId` has no owner."""

    receiver_id: str | None = None
    participant_ids: tuple[str, ...] | None = None
    name: str | None = None
    id: str | None = None
    sender_id: str | None = None
    owner_id: str | None = None
    roles: dict[str, MemberRole] | None = None


class TalkPayload(Payload, frozen=True):
    """A talk, which is a conversation. Lists omit `participants` of a talk that has more than 20. In a direct talk,
    `name` and `avatar` are those of the other user."""

    id: str
    kind: ConversationKind
    name: str | None
    avatar: str | None
    participant_count: int
    last_message: MessagePayload | None
    unread_count: int
    created_at: str
    updated_at: str
    participants: tuple[UserPayload, ...] | None = None


def talk_payload(view: ConversationView) -> TalkPayload:
    conversation, members = view.conversation, view.members
    return TalkPayload(
        id=conversation.id,
        kind=conversation.kind,
        name=view.name,
        avatar=view.avatar,
        participant_count=conversation.member_count,
        last_message=None if view.last_message is None else message_payload(view.last_message),
        unread_count=0 if view.unread is None else view.unread.unread_count,
        created_at=iso(conversation.created_ms),
        updated_at=iso(conversation.updated_ms),
        participants=None
        if members is None
        else tuple(UserPayload(each.member.user_id, each.name, each.avatar) for each in members),
    )


async def _talk_for(actor: Actor, chat: LimitedChat, view: ConversationView) -> TalkPayload:
    """Returns the payload of a talk. If its last message is a stream that has not ended once, finds the one before."""
    last = view.last_message
    if last is not None and last.is_unfinished:
        before = ListMessages(view.conversation.id, before=str(last.id), limit=1, finished_only=True)
        page = await chat.execute(actor, before)
        view = replace(view, last_message=next(iter(page.items), None))
    return talk_payload(view)


def to_create(actor: Actor, given: OpenTalkBody) -> CreateConversation:
    """Returns the command that creates a conversation from the body of a request to open a talk. Raises
    `invalid_request` unless the body describes either a direct talk or a group."""
    if (given.receiver_id is None) == (given.participant_ids is None):
        raise invalid("receiverId", "give either receiverId or participantIds")
    if given.receiver_id is None:
        return CreateConversation(
            "group",
            given.participant_ids or (),
            given.name,
            given.id,
            owner_id=UNSET if given.owner_id is None else given.owner_id,
            roles=given.roles or UNSET,
        )
    if given.owner_id is not None or given.roles:
        raise invalid("ownerId" if given.owner_id is not None else "roles", "a direct talk has no owner or roles")
    if actor.is_service and given.sender_id is None:
        raise invalid("senderId", "is required from the role service: the user who opens the talk")
    opener_id = acting_as(actor, given.sender_id)
    return CreateConversation("direct", (opener_id, given.receiver_id), given.name, given.id)


def _with_body_names(error: ChatError, given: OpenTalkBody) -> ChatError:
    """Returns the error of a `CreateConversation` with the names of the request's body: `participantIds`, `senderId` or
    `receiverId` instead of the command's `memberIds`. Any other error is returned unchanged."""
    match error.details:
        case [{"path": str() as path, "message": str() as message}] if path.startswith("memberIds"):
            if given.participant_ids is not None:
                return invalid(path.replace("memberIds", "participantIds"), message)
            return invalid("senderId" if path == "memberIds[0]" else "receiverId", message)
    return error


@get(
    "/",
    operation_id="talksList",
    summary="List the caller's talks, newest message first",
    opt=executes(ListConversations),
)
async def list_talks(
    caller: GivenCaller, chat: GivenChat, cursor: FromQuery[str | None] = None, limit: Limit = 50
) -> ListAnswer[TalkPayload]:
    page = await chat.execute(caller.actor, ListConversations(cursor, limit, PARTICIPANTS_LISTED))
    return ListAnswer(tuple([await _talk_for(caller.actor, chat, view) for view in page.items]), page.next)


@post(
    "/",
    operation_id="talksOpen",
    summary="Open a talk, or get the existing one",
    responses=existing(TalkPayload),
    opt=executes(CreateConversation),
)
async def open_talk(
    data: JSONBody[OpenTalkBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> Response[TalkPayload]:
    try:
        view = await chat.execute(caller.actor, to_create(caller.actor, data), key)
    except ChatError as error:
        raise _with_body_names(error, data) from None
    return created_or_existing(view, await _talk_for(caller.actor, chat, view))


@get(
    "/{conversation_id:str}",
    operation_id="talksGet",
    summary="Get a talk with its participants",
    opt=executes(GetConversation),
)
async def get_talk(conversation_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> TalkPayload:
    view = await chat.execute(caller.actor, GetConversation(conversation_id))
    return await _talk_for(caller.actor, chat, view)


@get("/{conversation_id:str}/messages", summary="List messages of a talk, oldest first", opt=executes(ListMessages))
async def list_messages(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    around: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[MessagePayload]:
    page = await chat.execute(
        caller.actor, ListMessages(conversation_id, before, after, around, limit=limit, finished_only=True)
    )
    return ListAnswer(tuple(map(message_payload, page.items)), page.next)


@post("/{conversation_id:str}/message", summary="Send a message to a talk", opt=executes(SendMessage))
async def send_message(
    conversation_id: FromPath[str],
    data: JSONBody[SendBody],
    caller: GivenCaller,
    chat: GivenChat,
    idempotency_key: IdempotencyKey = None,
) -> MessagePayload:
    if data.client_message_id is None:
        data = replace(data, client_message_id=idempotency_key)
    return message_payload(await chat.execute(caller.actor, to_send(conversation_id, data)))


TALK_READ = "POST /talks/{conversation_id}/read"

OFFER = Operation(
    CreateOffer,
    route="POST /talks/{conversation_id}/offers",
    tag="talks",
    operation_id="createOffer",
    summary="Make a price offer to the other participants of a talk",
    answer=One(offer_payload, "offer"),
    body=Shape(
        "TolerantNewOfferPayload", "The same for dialects whose payloads may have unknown members.", tolerant=True
    ),
)

ROUTES: Sequence[ControllerRouterHandler] = (
    Router(
        "/api/v1/talks",
        route_handlers=[
            list_talks,
            open_talk,
            get_talk,
            list_messages,
            send_message,
        ],
        tags=["talks"],
    ),
    *routes_of(
        [read_of_dialect(TALK_READ, "talks", "Mark a talk as read"), OFFER],
        answers={TALK_READ: read_answer},
        module=__name__,
    ),
)
