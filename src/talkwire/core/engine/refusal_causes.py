"""Finds what a refused command names that does not exist, or that the command's sender may not use.

A user who guesses the id of a conversation must not learn whether it exists, so a command refused for that reason gets
`NoAccess`. The application's back end and admins may see everything, so they get the error that `cause_of` returns.
Operators see in the console which conversation any refused command concerned.
"""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.command import Command
from talkwire.core.commands.files import GetFile
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.preferences import GetMemberPreferences, SetMemberPreferences
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, Message, Offer, is_valid_id, message_number
from talkwire.core.ports.transaction import Lookups, Snapshot


def name_conversation(refusal: ChatError, facts: Lookups, command: Command[Any]) -> None:
    """Stores in the refusal of a command the conversation that the command concerns, unless the refusal names one: the
    conversation that the command names, or that of its message or offer."""
    refusal.conversation_id = refusal.conversation_id or _conversation_of(facts, command)


def _conversation_of(facts: Lookups, command: Command[Any]) -> str | None:
    message_id, offer_id = getattr(command, "message_id", None), getattr(command, "offer_id", None)
    found: Message | Offer | None = None
    if isinstance(message_id, str) and (number := message_number(message_id)) is not None:
        found = facts.message(number)
    elif isinstance(offer_id, str) and (number := message_number(offer_id)) is not None:
        found = facts.offers.find(number)
    return named_conversation(command) if found is None else found.conversation_id


def named_conversation(command: object) -> str | None:
    """Returns the id of the conversation that a command names, or None if it names none or no valid id."""
    conversation_id = getattr(command, "conversation_id", None)
    return conversation_id if isinstance(conversation_id, str) and is_valid_id(conversation_id) else None


def cause_of(snapshot: Snapshot, actor: Actor, command: Command[Any]) -> ChatError | None:
    """Returns the error to send to the back end or an admin instead of a `NoAccess`: it names the message, offer, file,
    conversation or membership that the command lacks. Returns None if nothing is missing now."""
    conversation_id = getattr(command, "conversation_id", None)
    message_id, offer_id = getattr(command, "message_id", None), getattr(command, "offer_id", None)
    if isinstance(message_id, str):
        message = _message(snapshot, message_id)
        if message is None or conversation_id not in {None, message.conversation_id}:
            return _missing("message", message_id, conversation_id)
        conversation_id = message.conversation_id
    elif isinstance(offer_id, str):
        number = message_number(offer_id)
        offer = None if number is None else snapshot.offers.find(number)
        if offer is None or conversation_id not in {None, offer.conversation_id}:
            return _missing("offer", offer_id, conversation_id)
        conversation_id = offer.conversation_id
    if isinstance(command, GetFile) and command.id not in snapshot.files.of_ids((command.id,)):
        return _missing("file", command.id)
    if not isinstance(conversation_id, str):
        return None
    conversation = snapshot.conversation(conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        return _missing("conversation", conversation_id)
    # The sender of these need not be a member.
    from_outside = isinstance(command, SendMessage) and (command.created_ms is not None or command.system)
    cause = None if from_outside else _cause_in_sender(snapshot, actor, command, conversation_id)
    return cause or _cause_in_parts(snapshot, actor, command, conversation_id)


def _cause_in_sender(snapshot: Snapshot, actor: Actor, command: Command[Any], conversation_id: str) -> ChatError | None:
    field, path = "sender_id", "senderId"
    if isinstance(command, GetMemberPreferences | SetMemberPreferences):
        field, path = "user_id", "userId"
    named_id = getattr(command, field, None)
    user_id = named_id or actor.user_id
    if snapshot.member(conversation_id, user_id) is not None:
        return None
    if actor.is_service and named_id is None and hasattr(command, field):
        return invalid(path, "is missing: the back end acts in the name of a member")
    hint = f"POST /api/v1/conversations/{conversation_id}/members adds members."
    return ChatError("forbidden", f"{user_id} is not a member of {conversation_id}. {hint}", cause="not_member")


def _cause_in_parts(snapshot: Snapshot, actor: Actor, command: Command[Any], conversation_id: str) -> ChatError | None:
    if not isinstance(command, SendMessage):
        return None
    for message_id in (command.reply_to_id, command.thread_id):
        if message_id is not None:
            message = _message(snapshot, message_id)
            if message is None or message.conversation_id != conversation_id:
                return _missing("message", message_id, conversation_id)
    owner_ids = {command.sender_id or actor.user_id, actor.user_id}
    files = snapshot.files.of_ids({ref.id for ref in command.attached if ref.id is not None})
    for ref in command.attached:
        if ref.id is not None and (ref.id not in files or files[ref.id].owner_id not in owner_ids):
            return ChatError("not_found", f"{command.sender_id or actor.user_id} has uploaded no file {ref.id}.")
    return None


def _message(snapshot: Snapshot, message_id: str) -> Message | None:
    number = message_number(message_id)
    return None if number is None else snapshot.message(number)


def _missing(what: str, id_: str, conversation_id: object = None) -> ChatError:
    place = f" in {conversation_id}" if isinstance(conversation_id, str) else ""
    return ChatError("not_found", f"There is no {what} {id_}{place}.")
