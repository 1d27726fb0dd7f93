"""The routes of `/api/v1/conversations`: which conversations are listed, and how a conversation that was created, read
or changed is shown. The routes of members are in `members.py`."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response
from litestar.params import FromQuery, QueryParameter

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.created import created_or_existing
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.query_names import ANY_KEY
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.conversations import (
    ConversationView,
    GetConversation,
    ListConversations,
    ListOrder,
    ListState,
    UpdateConversation,
)
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.search.metadata_keys import VALUE_MAX_LENGTH
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.features.conversations.lists import check_public
from talkwire.identity.callers import Caller
from talkwire.operations.conversations import conversations
from talkwire.payloads.conversations import (
    ConversationPayload,
    conversation_payload,
    shared_conversation_payload,
)

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
Query = Annotated[
    str | None, QueryParameter(name="query", description="Search for these words in the names of conversations")
]
Archived = Annotated[
    bool | None,
    QueryParameter(description="Only conversations that the caller has archived (`true`), or only others (`false`)"),
]
MemberId = Annotated[
    str | None, QueryParameter(name="memberId", description="Only conversations of this user (roles service and admin)")
]

TeamId = Annotated[
    str | None,
    QueryParameter(name="teamId", description="Only conversations of this team; users list those in which they are"),
]
Handler = Annotated[
    str | None,
    QueryParameter(description="Only conversations that this user handles; `me` is the caller, `none` nobody"),
]
# Litestar reserves the parameter `state` of a function.
State = Annotated[
    ListState | None,
    QueryParameter(name="state", description="Only conversations of teams that are open, or closed"),
]
Order = Annotated[
    ListOrder | None,
    QueryParameter(
        description="`updatedAt`: newest message or offer first, which is the order of the caller's own conversations "
        "in any case. `waitingSince`: before these, the conversations of teams in which a customer waits, longest first"
    ),
]

_METADATA = "metadata."
Metadata = Annotated[
    str | None,
    QueryParameter(
        name=f"{_METADATA}{ANY_KEY}",
        description="Only conversations whose metadata have this value of a top-level key, as in `metadata.order=17`. "
        "One key, of those that the setting `conversation_keys` names",
        max_length=VALUE_MAX_LENGTH,
    ),
]


async def list_conversations(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    caller: GivenCaller,
    chat: GivenChat,
    request: Request[Any, Any, Any],
    text: Query = None,
    member_id: MemberId = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
    archived: Archived = None,
    team_id: TeamId = None,
    handler: Handler = None,
    of_state: State = None,
    order: Order = None,
    metadata: Metadata = None,  # noqa: ARG001 (describes what is read from the request)
) -> ListAnswer[ConversationPayload]:
    trusted = caller.actor.is_trusted
    query = ListConversations(
        cursor,
        limit,
        member_id=member_id,
        text=text,
        of_everybody=trusted,
        archived=archived,
        team_id=team_id,
        handler=handler,
        state=of_state,
        order=order,
        metadata=_metadata_in(request),
    )
    if text is not None and member_id is None and not trusted:
        check_public(query)
        found = await chat.execute(caller.actor, FindPublicConversations(text, cursor, limit))
        return ListAnswer(tuple(map(shared_conversation_payload, found.items)), found.next)
    page = await chat.execute(caller.actor, query)
    return ListAnswer(tuple(conversation_payload(view, trusted=trusted) for view in page.items), page.next)


def _metadata_in(request: Request[Any, Any, Any]) -> dict[str, str | int | float | bool] | None:
    """Returns the values of the parameters that begin with `metadata.`, by their keys; None without such a parameter.
    Raises `invalid_request` if there are several."""
    given = [item for item in request.query_params.multi_items() if item[0].startswith(_METADATA)]
    if len(given) > 1:
        raise invalid("metadata", "must have exactly one key")
    return {name.removeprefix(_METADATA): value for name, value in given} or None


async def _created(view: ConversationView, *_: object) -> Response[ConversationPayload]:
    return created_or_existing(view, conversation_payload(view))


async def _as_seen(view: ConversationView, _: object, caller: Caller, __: object) -> ConversationPayload:
    return conversation_payload(view, trusted=caller.actor.is_trusted)


async def _changed(_: object, asked: UpdateConversation, caller: Caller, chat: LimitedChat) -> ConversationPayload:
    view = await chat.execute(caller.actor, GetConversation(asked.conversation_id))
    return conversation_payload(view, trusted=caller.actor.is_trusted)


conversation_routes = routes_of(
    conversations.CONVERSATIONS,
    answers={
        "POST /conversations": _created,
        "GET /conversations/{conversation_id}": _as_seen,
        "PATCH /conversations/{conversation_id}": _changed,
    },
    handlers={"GET /conversations": list_conversations},
)
