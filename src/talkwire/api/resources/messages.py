"""The bodies and the handlers of the routes that send messages: `POST /api/v1/messages`, which also imports them, and
`POST /api/v1/conversations/{id}/notes`."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.params import FromPath, HeaderParameter, JSONBody

from talkwire.api.http.bodies import Body
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.messages import GivenReaction, ImportedParts, SendMessage
from talkwire.core.domain.times import ms_of_datetime
from talkwire.operations.desk.notes import NOTE
from talkwire.operations.messages.messages import SEND
from talkwire.operations.shapes import Moment, Shape, given_type, parts_of, values_of
from talkwire.payloads.messages import MessagePayload, MessageType, message_payload

IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Used as clientMessageId if the body has none")
]

_GIVEN = given_type(Shape("GivenMessage"), Body, __name__, parts_of(SendMessage, SEND.without, SEND.members, Moment))
_NOTE = given_type(
    NOTE.body or Shape("NoteBody"), Body, __name__, parts_of(SendNote, {*NOTE.without, "conversation_id"}, NOTE.members)
)
_NoteBody: Any = _NOTE.type

_GivenMessage: Any = _GIVEN.type
"""Body of a request to send a message: the members that are fields of the command. The subclass has those that are only
parts of a field."""


class GivenReactionBody(Body, frozen=True):
    """An existing reaction of an imported message: an emoji, and the users who reacted with it, in the order of their
    reactions."""

    emoji: str
    user_ids: tuple[str, ...]


class SendMessageBody(_GivenMessage, frozen=True, kw_only=True):  # type: ignore[call-arg, misc]  # a Struct
    """A message to send, with a `content` or `parts`. `content` may be empty if there are attachments. Only callers
    with the role `service` set `senderId`, to the user who sends the message. Callers with the role `service` or
    `admin` may set `createdAt` to import a message that another system sent at that time, with `editedAt`, `reactions`
    and `pinned` as they were there. They may also send the `type` `system`, a notice of the application; without
    `senderId`, the caller is its sender. The other types follow from the content."""

    edited_at: Moment | None = None
    reactions: tuple[GivenReactionBody, ...] | None = None
    pinned: bool = False
    type: MessageType | None = None

    def imported(self) -> ImportedParts | None:
        """Returns the `editedAt`, the reactions and the pin of a message that is imported from another system; None if
        it has none of these."""
        if self.edited_at is None and not self.reactions and not self.pinned:
            return None
        return ImportedParts(
            None if self.edited_at is None else ms_of_datetime("editedAt", self.edited_at),
            tuple(GivenReaction(each.emoji, each.user_ids) for each in self.reactions or ()),
            self.pinned,
        )


def to_send(data: SendMessageBody, key: str | None) -> SendMessage:
    """Returns the command that sends a message. If the body has no client message id, the message gets the request's
    idempotency key, `key`, as its id."""
    values = values_of(data, _GIVEN.parts)
    if values["client_message_id"] is None:
        values["client_message_id"] = key
    return SendMessage(**values, imported=data.imported(), system=data.type == "system")


async def send_message(
    data: JSONBody[SendMessageBody], caller: GivenCaller, chat: GivenChat, idempotency_key: IdempotencyKey = None
) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, to_send(data, idempotency_key)))


async def send_note(
    conversation_id: FromPath[str],
    data: JSONBody[_NoteBody],
    caller: GivenCaller,
    chat: GivenChat,
    idempotency_key: IdempotencyKey = None,
) -> MessagePayload:
    values = values_of(data, _NOTE.parts)
    if values["client_message_id"] is None:
        values["client_message_id"] = idempotency_key
    return message_payload(await chat.execute(caller.actor, SendNote(conversation_id, **values)))
