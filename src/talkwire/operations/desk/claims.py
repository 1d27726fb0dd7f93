"""The operations of a conversation's staff: who handles it, and whether it is closed."""

from __future__ import annotations

from talkwire.core.commands.desk.claims import (
    ClaimConversation,
    CloseConversation,
    HandOffConversation,
    ReleaseConversation,
)
from talkwire.operations.operation import One, Operation
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.desk.claims import handling_payload

_TAG = "desk"
_HANDLING = One(handling_payload, "handling")
_FOR_STAFF = "For members through the conversation's teams, and the role `service`."

OPERATIONS = (
    Operation(
        ClaimConversation,
        event="conversation:claim",
        route="POST /conversations/{conversation_id}/claim",
        tag=_TAG,
        summary="Become the handler of a conversation",
        description=f"{_FOR_STAFF} If another user handles the conversation, the answer is `conflict` with that user "
        "as `handler`, unless `if` names them. Claiming a conversation that one handles already changes nothing.",
        event_summary="Become the handler of a conversation. To take it over from another user, name them as `if`.",
        status=200,
        answer=_HANDLING,
        members={"if_handler": InputMember(name="if")},
        body=Shape("ClaimConversationBody", "From whom a conversation is taken over, if another user handles it."),
        body_optional=True,
    ),
    Operation(
        ReleaseConversation,
        event="conversation:release",
        route="POST /conversations/{conversation_id}/release",
        tag=_TAG,
        summary="Make nobody the handler of a conversation",
        description=f"{_FOR_STAFF} A conversation without a handler stays as it is.",
        status=200,
        answer=_HANDLING,
        body=Shape("ReleaseConversationBody", "What agents should know that work in the conversation then."),
        body_optional=True,
    ),
    Operation(
        HandOffConversation,
        event="conversation:handoff",
        route="POST /conversations/{conversation_id}/handoff",
        tag=_TAG,
        summary="Hand a conversation over to a member of its teams, to an agent, or to another team",
        description=f"{_FOR_STAFF} A team is added to the conversation, and nobody handles it until a member claims "
        "it. An agent that is a member works on all messages while it is the handler. If a member of the "
        "conversation's teams and a team have the same id, the member is meant. A closed conversation opens.",
        event_summary="Hand a conversation over to a member of its teams, who becomes the handler, or to a team, which "
        "is added.",
        status=200,
        answer=_HANDLING,
        body=Shape("HandOffConversationBody", "To whom a conversation is handed over."),
    ),
    Operation(
        CloseConversation,
        event="conversation:close",
        route="POST /conversations/{conversation_id}/close",
        tag=_TAG,
        summary="Close a conversation",
        description=f"{_FOR_STAFF} Nobody handles it then, and nobody waits. A customer's next message opens it again.",
        status=200,
        answer=_HANDLING,
        body=Shape("CloseConversationBody"),
        body_optional=True,
    ),
)
