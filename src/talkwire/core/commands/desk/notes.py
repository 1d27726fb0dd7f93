"""The command that writes a note about a conversation with teams."""

from __future__ import annotations

from msgspec.structs import asdict

from talkwire.core.commands.command import Change
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.model import Message


class SendNote(SendMessage, Change[Message], frozen=True, tag="SendNote"):
    """Writes a note about the conversation `conversation_id` and returns it: a message in the conversation with its
    notes, which the first note makes. Only for members through the conversation's teams, and for the backend in their
    name.

    It is sent as any other message: with an idempotent `client_message_id`, attachments and mentions. Notes are not
    imported, and no system messages.
    """

    def message_in(self, notes_id: str) -> SendMessage:
        """Returns the command that sends the note as a message to the conversation with the notes."""
        return SendMessage(**(asdict(self) | {"conversation_id": notes_id}))
