"""The table of all events of the `crm` dialect, in the namespace `/chat`: the events that clients send with their
commands, and those that the server sends. Nothing is sent for the events in `silent`, for example of new members."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.calls import CallSignal, InviteToCall
from talkwire.core.commands.messages import DeleteMessage, EditMessage, React, SendMessage, Unreact
from talkwire.core.commands.receipts import ListReaders, MarkDelivered, MarkRead, MessageReader
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    MANAGEMENT_EVENTS,
    OFFER_EVENTS,
    Event,
    MessagesDelivered,
    MessagesRead,
    RoomEntered,
    RoomLeft,
)
from talkwire.core.domain.model import Message
from talkwire.dialects import entries, sign_in
from talkwire.dialects.calls import CallNames, calls_inbound, calls_outbound
from talkwire.dialects.crm.payloads import (
    WORDS,
    CallPayload,
    ChatPayload,
    DoneReply,
    EndingPayload,
    ErrorMessagePayload,
    InvitePayload,
    MarkPayload,
    MessageIdPayload,
    MessageMarkPayload,
    MessageReply,
    ReactPayload,
    SendPayload,
    TypingPayload,
    UpdatePayload,
    call_ended_payload,
    call_payload,
    call_reply,
    identity_reply,
    message_deleted_payload,
    message_mark_payload,
    message_payload,
    message_reaction_payload,
    message_updated_payload,
    new_message_payload,
    optional_text,
    pong_reply,
    reactions_reply,
    read_message_payload,
    read_payloads_of_authors,
    to_send,
    upload_payload,
    user_in_chat_payload,
    user_presence_payload,
    user_typing_payload,
)
from talkwire.dialects.dialect import Dialect, Inbound, Outbound, OutboundEntry, PersonalOutbound, To
from talkwire.dialects.operation_events import events_of
from talkwire.operations.operation import Operation
from talkwire.operations.socket_commands import GetIdentity, GetServerTime, JoinRoom, LeaveRoom
from talkwire.payloads.numeral_ids import text_of
from talkwire.payloads.replies import RefusalWithMessage, done, refusal_with_message, with_renamed_members


def _call_entry(operation: Operation) -> Inbound:
    assert operation.event is not None
    command: Any = operation.command
    payload = InvitePayload if command is InviteToCall else CallPayload

    def to_command(signal: InvitePayload | CallPayload) -> CallSignal:
        made: CallSignal = command(
            text_of(signal.chat_id), text_of(signal.call_id), optional_text(signal.to_user_id), signal.data
        )
        return made

    entry = Inbound(payload, to_command, call_reply)
    return events_of([operation], entries={operation.event: entry})[operation.event]


def _sent(message: Message) -> MessageReply:
    return MessageReply(data=message_payload(message, is_read=False))


def _updated(answers: tuple[Message, tuple[MessageReader, ...]]) -> MessageReply:
    return MessageReply(data=read_message_payload(*answers))


def _joined(conversation_id: str) -> DoneReply:
    return DoneReply(message=f"Joined chat {conversation_id}")


def _left(conversation_id: str) -> DoneReply:
    return DoneReply(message=f"Left chat {conversation_id}")


def _refusal(refused: ChatError) -> RefusalWithMessage:
    return refusal_with_message(with_renamed_members(refused, WORDS))


def _error(refused: ChatError, event: str) -> tuple[str, ErrorMessagePayload]:
    return "error", ErrorMessagePayload(with_renamed_members(refused, WORDS).message)


_CALLS = CallNames("callInvite", "callAccept", "callReject", "callSignal", "callEnd", "callEnded")

_INBOUND = {
    "authenticate": Inbound(
        None,
        lambda _: GetIdentity(),
        identity_reply,
        summary="Get the user and the socket id of this connection.",
        commands=(GetIdentity,),
    ),
    **sign_in.TOLERANT_INBOUND,
    "joinChat": entries.JOIN(
        ChatPayload,
        _joined,
        lambda p: JoinRoom(text_of(p.chat_id)),
        summary="Start receiving a chat's events on this socket. The user must be a member.",
    ),
    "leaveChat": entries.LEAVE(
        ChatPayload,
        _left,
        lambda p: LeaveRoom(text_of(p.chat_id)),
        summary="Stop receiving a chat's events on this socket. The user remains a member.",
    ),
    "sendMessage": Inbound(
        SendPayload,
        to_send,
        _sent,
        summary="Send a message to a chat. A retry with the same `clientMessageId` returns the stored message.",
        commands=(SendMessage,),
    ),
    "updateMessage": entries.EDIT(
        UpdatePayload,
        _updated,
        lambda p: EditMessage(text_of(p.message_id), p.content, optional_text(p.sender_id)),
        follow_up=lambda message: ListReaders(message.conversation_id),
    ),
    "deleteMessage": entries.DELETE(MessageIdPayload, done, lambda p: DeleteMessage(text_of(p.message_id))),
    "reactToMessage": entries.REACT(
        ReactPayload,
        reactions_reply,
        lambda p: (Unreact if p.remove else React)(text_of(p.message_id), p.emoji, optional_text(p.sender_id)),
    ),
    "typing": entries.TYPING(TypingPayload, done, lambda p: SetTyping(text_of(p.chat_id), is_typing=p.is_typing)),
    "markAsRead": entries.READ(MarkPayload, done, lambda p: MarkRead(text_of(p.chat_id), optional_text(p.message_id))),
    "messageDelivered": entries.DELIVERED(
        MarkPayload, done, lambda p: MarkDelivered(text_of(p.chat_id), optional_text(p.message_id))
    ),
    "ping": Inbound(
        None,
        lambda _: GetServerTime(),
        pong_reply,
        summary="Get the server's time, in milliseconds since 1970.",
        commands=(GetServerTime,),
    ),
    **calls_inbound(_CALLS, _call_entry),
}

_OUTBOUND: dict[type[Event], tuple[OutboundEntry, ...]] = {
    **entries.messages_outbound(
        sent=("newMessage", new_message_payload),
        edited=("messageUpdated", message_updated_payload),
        deleted=("messageDeleted", message_deleted_payload),
        reacted=("messageReaction", message_reaction_payload),
    ),
    **entries.typing_outbound("userTyping", user_typing_payload),
    RoomEntered: (
        Outbound(
            "userJoined", user_in_chat_payload, summary="Another user opened the chat: their first socket joined it."
        ),
    ),
    RoomLeft: (
        Outbound(
            "userLeft",
            user_in_chat_payload,
            summary="Another user closed the chat, or was removed from it: their last socket left it.",
        ),
    ),
    MessagesRead: (
        Outbound(
            "messageRead",
            message_mark_payload,
            summary="Another user read all messages up to `messageId`.",
            to=To.OTHERS,
            when=lambda event: event.authors is None,
        ),
        # In a large chat, only the authors of the messages that were read are notified.
        PersonalOutbound(
            "messageRead",
            read_payloads_of_authors,
            MessageMarkPayload,
            summary="Another user read messages that this user wrote, up to `messageId`.",
            followers_only=True,
        ),
    ),
    MessagesDelivered: (
        Outbound(
            "messageDelivered",
            message_mark_payload,
            summary="Another user's devices received all messages up to `messageId`.",
            to=To.OTHERS,
        ),
    ),
    **entries.presence_outbound(
        online=("userOnline", user_presence_payload), offline=("userOffline", user_presence_payload)
    ),
    **entries.uploads_outbound("uploadProgress", upload_payload),
    **calls_outbound(_CALLS, call_payload, call_ended_payload),
}

CRM = Dialect(
    name="crm",
    namespace="/chat",
    inbound=_INBOUND,
    outbound=_OUTBOUND,
    silent=MANAGEMENT_EVENTS | OFFER_EVENTS,
    welcome=lambda *_: None,
    refusal=_refusal,
    error=_error,
    goodbye=entries.goodbye("sessionEnding", EndingPayload),
)
