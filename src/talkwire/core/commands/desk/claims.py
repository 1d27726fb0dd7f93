"""Commands about who handles a conversation with teams. Members through its teams give them, and the application's
backend, which may name such a member (`sender_id`)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from talkwire.core.commands.command import Change
from talkwire.core.commands.meanings import a_text
from talkwire.core.domain.desk.handling import HANDOFF_NOTE_MAX_LENGTH

ActingStaff = Annotated[
    str | None, Meta(description="The member of the conversation's teams who does it; the role `service` names one")
]


class HandlingView(msgspec.Struct, frozen=True):
    """Who handles a conversation (None: nobody), and whether it is closed. While memberships through an added team are
    still being written, `pending_pos` is the log position of the change, else None."""

    conversation_id: str
    handler_id: str | None
    closed: bool
    pending_pos: int | None = None


class ClaimConversation(Change[HandlingView], frozen=True, tag="ClaimConversation"):
    """Makes the actor the handler of a conversation, and opens it. If another user handles it, `if_handler` must name
    that user. Claiming a conversation that one handles already changes nothing."""

    conversation_id: str
    if_handler: Annotated[
        str | None, Meta(description="The present handler, from whom the conversation is taken over")
    ] = None
    sender_id: ActingStaff = None


class ReleaseConversation(Change[HandlingView], frozen=True, tag="ReleaseConversation"):
    """Makes nobody the handler of a conversation. Without a handler, it changes nothing but the note for agents."""

    conversation_id: str
    note: Annotated[
        str | None,
        a_text(
            "What agents should know that work in the conversation; their next turn has it",
            longest=HANDOFF_NOTE_MAX_LENGTH,
        ),
    ] = None
    sender_id: ActingStaff = None


class HandOffConversation(Change[HandlingView], frozen=True, tag="HandOffConversation"):
    """Gives a conversation to another handler, or to another team: the team is added to the conversation, and nobody
    handles it. Opens the conversation. Only members through the conversation's teams and the backend see the note, and
    an agent that handles the conversation from then on."""

    conversation_id: str
    to: Annotated[
        str,
        Meta(
            description="A member of the conversation's teams or an agent, who becomes the handler, or a team, which "
            "is added"
        ),
    ]
    note: Annotated[
        str | None,
        a_text("What the next handler should know; customers do not see it", longest=HANDOFF_NOTE_MAX_LENGTH),
    ] = None
    sender_id: ActingStaff = None


class CloseConversation(Change[HandlingView], frozen=True, tag="CloseConversation"):
    """Closes a conversation: nobody handles it, and nobody waits. A customer's next message opens it again. Closing a
    closed conversation changes nothing."""

    conversation_id: str
    sender_id: ActingStaff = None
