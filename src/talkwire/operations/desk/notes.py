"""The operation that writes a note about a conversation with teams."""

from __future__ import annotations

from talkwire.core.commands.desk.notes import SendNote
from talkwire.operations.messages.messages import SEND
from talkwire.operations.operation import SENDS, One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.messages import message_payload

_ABOUT = (
    "A note for the teams of a conversation, with a `content` or `parts`. `content` may be empty if there are "
    "attachments. Only callers with the role `service` set `senderId`, to the member who writes it."
)

NOTE = Operation(
    SendNote,
    event="note:send",
    route="POST /conversations/{conversation_id}/notes",
    tag="desk",
    summary="Write a note about a conversation, for its teams only",
    description="For members through the conversation's teams, and the role `service`. The first note makes the "
    "conversation with the notes, `notesId`. Everything else with notes is done in that conversation.",
    event_summary="Write a note about a conversation for its teams only. `clientMessageId` makes a retry safe.",
    answer=One(message_payload, "message"),
    members=SEND.members,
    without=("sent_hash", "imported", "system", "created_ms", "if_last_seq", "if_handler", "stream", "turn", "more"),
    body=Shape("NoteBody", _ABOUT, last=("sender_id",)),
    payload=Shape("NotePayload", _ABOUT, last=("sender_id",)),
    unaudited=SENDS,
)

OPERATIONS = (NOTE,)
