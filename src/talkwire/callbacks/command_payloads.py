"""Converts commands to payloads of the messenger dialect (the default event vocabulary of clients), as callback
requests contain them, and changed payloads back to commands.

A command of any dialect or REST route becomes the payload that a messenger client would have sent. Fields that such a
payload cannot express, such as the socket that a typing signal came from, are taken from the original command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET
from msgspec.structs import fields, replace

from talkwire.core.commands.command import Command
from talkwire.core.commands.desk.claims import ClaimConversation
from talkwire.core.commands.invitations import AcceptInvitation
from talkwire.core.commands.messages import AttachmentRef, RemoveLinkPreviews, SendMessage
from talkwire.core.commands.notifications import MarkNotificationsRead
from talkwire.core.commands.offers import CounterOffer, CreateOffer
from talkwire.core.commands.search import FindPublicConversations, SearchMessages, SearchOffers
from talkwire.core.domain.times import iso
from talkwire.core.engine.hooks import check_changed, with_one_text
from talkwire.core.features.messages.sending import check_attachment_count
from talkwire.dialects.messenger import MESSENGER
from talkwire.payloads.payload import Payload

C = TypeVar("C", bound=Command[Any])

_ATTACHMENTS = "attachments"

_STREAM = "stream"
"""Member that says of a message that is written while others read it whether it opens or ends. It is in requests
only."""


class AcceptInvitationPayload(Payload, frozen=True):
    """The payload of a callback before an invitation is accepted. Clients accept invitations over REST only."""

    code: str


class RemoveLinkPreviewsPayload(Payload, frozen=True):
    """The payload of a callback before the link previews of a message are removed. Clients remove them over REST
    only.
    """

    message_id: str


class _Form(NamedTuple):
    """How a command is converted: the type of its payload in callbacks, and the function that makes the command of a
    payload.
    """

    payload: type[msgspec.Struct]
    to_command: Callable[[Any], Any]


_REST_FORMS: Mapping[str, _Form] = MappingProxyType(
    {
        "invitation:accept": _Form(AcceptInvitationPayload, lambda payload: AcceptInvitation(payload.code)),
        "message:remove-previews": _Form(
            RemoveLinkPreviewsPayload, lambda payload: RemoveLinkPreviews(payload.message_id)
        ),
    }
)

_OTHER_FIELDS: Mapping[type[Command[Any]], Mapping[str, str]] = MappingProxyType(
    {
        SendMessage: {"created_at": "created_ms"},
        CreateOffer: {"expires_at": "expires_ms"},
        CounterOffer: {"expires_at": "expires_ms"},
        FindPublicConversations: {"query": "text"},
        SearchMessages: {"q": "text", "before": "before_ms", "after": "after_ms"},
        SearchOffers: {"q": "text", "before": "before_ms", "after": "after_ms"},
        MarkNotificationsRead: {"all": "ids"},
        ClaimConversation: {"if": "if_handler"},
    }
)
"""Names of a command's fields that have another name or form in payloads, by the name in payloads, for each type of
command."""

_TIMES = frozenset({"created_at", "expires_at", "before", "after"})
"""Names of payloads' fields that are ISO 8601 there, and milliseconds in the command."""


def payload_of(name: str, command: Command[Any]) -> dict[str, object]:
    """Returns a command as the payload of the event `name` in the messenger dialect (the default event vocabulary of
    clients).

    Fields that have their default value are left out, unless they are required.
    """
    payload: dict[str, object] = {}
    for field in fields(_form(name).payload):
        value = _value(command, field.name)
        is_default = value is UNSET or value == field.default or (value == () and not field.required)
        if field.required or not is_default:
            payload[field.encode_name] = value
    if isinstance(command, SendMessage) and command.stream is not None:
        payload[_STREAM] = command.stream
    return payload


def command_of(name: str, payload: Mapping[str, object], original: C) -> C:
    """Returns the command that a callback's response describes: `original` with the changes that the back end made to
    its `payload`. Fields of the command that a payload cannot contain are copied from `original`.

    Raises ValueError or ChatError for a payload that is invalid or describes another type of command.
    """
    form = _form(name)
    if isinstance(original, SendMessage):
        payload = {name_: value for name_, value in payload.items() if name_ != _STREAM}
    names = {field.encode_name for field in fields(form.payload)}
    unknown = sorted(payload.keys() - names)
    if unknown:
        raise ValueError(f'"{unknown[0]}" is not a member of {name}')
    attachments: object = UNSET
    if isinstance(original, SendMessage):
        payload = dict(payload)
        attachments = payload.pop(_ATTACHMENTS, None) or ()
    command = form.to_command(msgspec.convert(payload, form.payload))
    if type(command) is not type(original):
        raise ValueError(f"the changed payload is {type(command).__name__} instead of {type(original).__name__}")
    kept = {name: getattr(original, name) for name in _left_out(type(original), form.payload)}
    if attachments is not UNSET:
        kept[_ATTACHMENTS] = _attachments(attachments)
    changed: C = replace(command, **kept)
    check_changed(with_one_text(changed, original))
    return changed


def _attachments(sent: object) -> tuple[AttachmentRef, ...]:
    """Returns the attachments in a changed message, from the decoded JSON `sent`. Unlike those in clients' messages,
    they may be locations as well as files.

    Raises ValueError for invalid attachments, and ChatError for too many.
    """
    refs = msgspec.convert(sent, tuple[AttachmentRef, ...])
    check_attachment_count(len(refs))
    return refs


def _form(name: str) -> _Form:
    if name in _REST_FORMS:
        return _REST_FORMS[name]
    inbound = MESSENGER.inbound[name]
    assert inbound.payload is not None, "every command has a payload"
    return _Form(inbound.payload, inbound.to_command)


def _value(command: Command[Any], name: str) -> object:
    """Returns a command's value for the payload field `name`; UNSET if the command has no such field."""
    if isinstance(command, MarkNotificationsRead) and name == "all":
        return True if command.ids is None else UNSET
    value: object = getattr(command, _OTHER_FIELDS.get(type(command), {}).get(name, name), UNSET)
    if name in _TIMES and isinstance(value, int):
        return iso(value)
    return msgspec.to_builtins(value, builtin_types=(bytes, bytearray, memoryview)) if value is not UNSET else UNSET


def _left_out(command_type: type[Command[Any]], payload: type[msgspec.Struct]) -> set[str]:
    """Returns the names of those fields of a command type that have no counterpart in its payload type."""
    others = _OTHER_FIELDS.get(command_type, {})
    contained = {others.get(field.name, field.name) for field in fields(payload)}
    return {field.name for field in fields(command_type)} - contained
