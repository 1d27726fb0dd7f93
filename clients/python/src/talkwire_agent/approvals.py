"""Cards that ask people to approve a call of a tool, and what they have decided.

All that is needed to continue is in the card's `subject`, so another process can continue the turn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import rfc8785

from talkwire_agent.model import ToolCall
from talkwire_agent.parameters import Scalar, ToolParameter
from talkwire_agent.tools import ArgumentsError, Tool
from talkwire_client import AskedCard, Message

EXPIRES_AFTER = timedelta(days=1)
"""Time that people have to decide."""

SUBJECT = "talkwireAgent"
"""Member of a card's subject that holds the call."""

SUBJECT_MAX_BYTES = 4 * 1024
"""Largest subject of a card that the server accepts, as JSON in UTF-8, in bytes."""

TEXT_MAX = 4_000
"""Longest text of a card that the server accepts, in characters."""

FIELDS_MAX = 16
"""Most fields of a card that the server accepts."""

FIELD_VALUE_MAX = 1_000
"""Longest value of a card's field that the server accepts, in characters."""

LABEL_MAX = 80
"""Longest label of a card's field that the server accepts, in characters."""

CHOICES_MAX = 50
"""Most values of a choice in a card's form that the server accepts."""

APPROVE = "approve"
DECLINE = "decline"

DIGESTED = ("title", "text", "fields", "actions", "decide", "who", "subject")
"""Members of a card of which the server makes the digest."""

REFUSALS: Mapping[str, str] = {
    "decided": "A person has declined this call, so it was not executed.",
    "expired": "Nobody has approved this call in time, so it was not executed.",
    "cancelled": "The request for approval was cancelled, so the call was not executed.",
    "unreachable": "Nobody is left who may approve this call, so it was not executed.",
}
NOT_APPROVED = "This call was not approved, so it was not executed."
CHANGED = (
    "The tool, or what people were asked about it, has changed since the approval, so the call was not executed. "
    "Call the tool again if that is still wanted."
)


class CardError(Exception):
    """Raised when a card cannot be made or read. The text says why, for the model or for the log."""


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that needs an approval. `arguments` are checked."""

    tool: Tool
    call: ToolCall
    arguments: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class AskedCall:
    """What a card's subject says: the call, the calls that wait for their turn to be approved, and how many rounds of
    calls the answer has had.
    """

    call: ToolCall
    waiting: tuple[ToolCall, ...]
    rounds: int


@dataclass(frozen=True, slots=True)
class Approval:
    """A call that people have approved, with the arguments that they approved."""

    tool: Tool
    arguments: dict[str, Scalar]
    is_edited: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not executed, for the model."""

    reason: str


def card_for(
    pending: PendingCall, waiting: Sequence[ToolCall], rounds: int, *, now: datetime | None = None
) -> AskedCard:
    """Returns the card that asks for an approval of a call.

    The card holds as many of the `waiting` calls as its subject has place for; the model can make the others again.
    Raises `CardError` if the arguments are too long to be shown.
    """
    subject = _subject(pending, (), rounds)
    if _size(subject) > SUBJECT_MAX_BYTES:
        raise CardError("The arguments are too long to be approved: together they may have about 3,000 characters.")
    for count in range(1, len(waiting) + 1):
        larger = _subject(pending, waiting[:count], rounds)
        if _size(larger) > SUBJECT_MAX_BYTES:
            break
        subject = larger
    return _card(pending, subject, (now or datetime.now(UTC)) + EXPIRES_AFTER)


def is_tool_card(message: Message, agent_id: str) -> bool:
    """Returns whether a message is the agent's own, and its card asks for an approval of a call."""
    card = message.get("card")
    return message["senderId"] == agent_id and card is not None and SUBJECT in (card.get("subject") or {})


def asked_call(message: Message, agent_id: str) -> AskedCall:
    """Returns what a card of the agent has asked. Raises `CardError` for any other message."""
    if not is_tool_card(message, agent_id):
        raise CardError(f"the message {message['id']} has no card of this agent that asks for an approval")
    try:
        held = message["card"]["subject"][SUBJECT]
        return AskedCall(_call_in(held), tuple(map(_call_in, held["waiting"])), int(held["rounds"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CardError(f"the card of the message {message['id']} has another subject: {error!r}") from None


def decision_of(message: Message, asked: AskedCall, tools: Mapping[str, Tool]) -> Approval | Refusal:
    """Returns what people have decided about a call.

    A call is approved only if the digest of the card is that of the card which this program would send for it: then
    people have seen this tool and these arguments. Raises `CardError` if nothing is decided.
    """
    card = message["card"]
    outcome = card.get("outcome", card["state"])
    if outcome == "open":
        raise CardError(f"the card of the message {message['id']} is not decided")
    if outcome != "decided" or card.get("actionId") != APPROVE:
        return Refusal(REFUSALS.get(outcome, NOT_APPROVED))
    tool = tools.get(asked.call.name)
    if tool is None or tool.approvers is None:
        return Refusal(CHANGED)
    try:
        arguments = tool.arguments_of(asked.call.arguments)
        pending = PendingCall(tool, asked.call, arguments)
        expected = _card(pending, _subject(pending, asked.waiting, asked.rounds), None)
        if digest_of(expected) != card["digest"]:
            return Refusal(CHANGED)
        approved = tool.checked(card["input"]) if _form(pending) and "input" in card else arguments
    except (ArgumentsError, CardError):
        return Refusal(CHANGED)
    return Approval(tool, approved, approved != arguments)


def digest_of(card: AskedCard) -> str:
    """Returns the digest that the server makes of a card: SHA-256 of its canonical JSON, in hexadecimal digits."""
    asked: Any = {name: value for name, value in card.items() if name in DIGESTED}
    return hashlib.sha256(rfc8785.dumps(asked)).hexdigest()


def _card(pending: PendingCall, subject: dict[str, Any], expires_at: datetime | None) -> AskedCard:
    tool = pending.tool
    approve: dict[str, Any] = {"id": APPROVE, "label": "Approve", "style": "primary"}
    if form := _form(pending):
        approve["input"] = form
    fields, text = _shown(pending)
    card: dict[str, Any] = {
        "title": f"Run {tool.name}?",
        "fields": fields,
        "actions": [approve, {"id": DECLINE, "label": "Decline", "style": "danger"}],
        "decide": "first",
        "subject": subject,
    }
    if text:
        card["text"] = text
    if tool.approvers is not None and (who := _who(tool)):
        card["who"] = who
    if expires_at is not None:
        card["expiresAt"] = expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return cast("AskedCard", card)


def _who(tool: Tool) -> dict[str, list[str]]:
    assert tool.approvers is not None
    found = {"users": list(tool.approvers.users), "roles": list(tool.approvers.roles)}
    return {name: values for name, values in found.items() if values}


def _shown(pending: PendingCall) -> tuple[list[dict[str, str]], str]:
    """Returns all arguments as people read them: the fields of the card, and its text with those that are too long for
    a field. Raises `CardError` if even that is too small: people approve only what they see.
    """
    fields, texts = [{"label": "Tool", "value": pending.tool.name}], []
    for name, value in pending.arguments.items():
        shown = _readable(value)
        if len(shown) > FIELD_VALUE_MAX or len(fields) == FIELDS_MAX or len(name) > LABEL_MAX:
            texts.append(f"{name}: {shown}")
        else:
            fields.append({"label": name, "value": shown})
    text = "\n\n".join(texts)
    if len(text) > TEXT_MAX:
        raise CardError(f"The arguments are too long to be approved: people see at most {TEXT_MAX} characters.")
    return fields, text


def _readable(value: Scalar) -> str:
    """Returns a value as a text. One that people would not see as it is, such as an empty one, is written as JSON."""
    if isinstance(value, str):
        is_visible = value.strip() and all(each.isprintable() or each == "\n" for each in value)
        return value if is_visible else json.dumps(value)
    return json.dumps(value)


def _form(pending: PendingCall) -> dict[str, Any] | None:
    """Returns the form in which the approver edits the arguments; None if the forms of cards cannot hold them.

    Arguments that the model has given are required: they can be changed and not removed.
    """
    parameters, values = pending.tool.parameters, pending.arguments
    if not 1 <= len(parameters) <= FIELDS_MAX or not all(map(_fits, parameters)):
        return None
    schema = {
        "type": "object",
        "properties": {parameter.name: _input_of(parameter) for parameter in parameters},
        "required": list(values),
    }
    return {"schema": schema, "values": dict(values)}


def _fits(parameter: ToolParameter) -> bool:
    """Returns whether the form of a card can hold a parameter. Choices are texts in a line there."""
    choices = parameter.choices
    are_lines = all(isinstance(each, str) and 1 <= len(each) <= LABEL_MAX and each.isprintable() for each in choices)
    return len(parameter.name) <= LABEL_MAX and len(choices) <= CHOICES_MAX and are_lines


def _input_of(parameter: ToolParameter) -> dict[str, Any]:
    found: dict[str, Any] = {"type": parameter.kind}
    if parameter.choices:
        found["enum"] = list(parameter.choices)
    if parameter.description:
        found["description"] = parameter.description[:TEXT_MAX]
    return found


def _subject(pending: PendingCall, waiting: Sequence[ToolCall], rounds: int) -> dict[str, Any]:
    call = ToolCall(pending.call.id, pending.call.name, json.dumps(dict(pending.arguments), ensure_ascii=False))
    return {SUBJECT: {**_held(call), "waiting": [_held(each) for each in waiting], "rounds": rounds}}


def _held(call: ToolCall) -> dict[str, str]:
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def _call_in(held: Mapping[str, Any]) -> ToolCall:
    return ToolCall(str(held["id"]), str(held["name"]), str(held["arguments"]))


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
