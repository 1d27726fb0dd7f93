"""Asks the application about streams, as it is asked before each message: before one opens, and before it ends."""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.core.commands.messages import AttachmentRef, GivenGenerated, SendMessage
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.commands.streams.storing import EndStream
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import MessagePart, content_of, simplified, whole_parts, without_blanks
from talkwire.core.features.messages.sending import check_send
from talkwire.core.features.streams.streams import as_stream

_ANY = SendMessage("", stream="ends")


class StreamApprovals:
    """Passes streams to the application's hooks for `SendMessage`, which callbacks are too."""

    def __init__(self, chat: ChatAccess) -> None:
        self._chat = chat

    @property
    def are_needed(self) -> bool:
        return self._chat.is_hooked(_ANY)

    async def of_opening(self, actor: Actor, send: SendMessage) -> SendMessage:
        """Returns the message to open, without a text. Raises ChatError if the application refuses it. It is not asked
        about a stream that is taken over."""
        if not self.are_needed:
            return send
        check_send(send, may_be_empty=True)
        if await self._chat.execute(actor, AnswerRetry(as_stream(send))) is not None:
            return send
        approved = await self._chat.approve(actor, replace(send, stream="opens"))
        return replace(approved, content="", parts=(), attachments=(), stream=None)

    async def of_end(self, actor: Actor, message: Message, end: EndStream) -> tuple[EndStream, ChatError | None]:
        """Returns the end of a stream that the application approves. If it refuses the message, the end blocks that,
        and the refusal is returned too. Raises `unavailable` if the application does not answer.

        It is not asked about a message without any parts and attachments."""
        parts = without_blanks(end.parts)
        if not self.are_needed or not (parts or end.attachments):
            return end, None
        try:
            approved = await self._chat.approve(actor, _as_sent(actor, message, parts, end.attachments))
        except ChatError as refusal:
            if refusal.code == "unavailable":
                raise
            return replace(end, state="blocked", parts=(), attachments=(), error=None), refusal
        parts = whole_parts(approved.parts, approved.content)
        return replace(end, parts=parts, attachments=approved.attachments, metadata=approved.metadata), None


def _as_sent(
    actor: Actor, message: Message, parts: tuple[MessagePart, ...], attachments: tuple[AttachmentRef, ...]
) -> SendMessage:
    """Returns the command by which a message would be sent that has not been streamed."""
    several = simplified(parts)
    return SendMessage(
        message.conversation_id,
        "" if several else content_of(parts),
        message.client_message_id,
        message.metadata,
        sender_id=message.sender_id if actor.user_id != message.sender_id else None,
        attachments=attachments,
        reply_to_id=None if message.reply_to is None else str(message.reply_to.id),
        thread_id=None if message.thread_id is None else str(message.thread_id),
        generated=None if message.generated is None else GivenGenerated(message.generated.model),
        on_behalf_of=message.on_behalf_of,
        parts=several,
        stream="ends",
    )
