"""What the demo's agent says: a script with three orders, which stands for a language model and its tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import ToolPart

GREETING = (
    "I look after the orders. I am a script, not a language model, but I work as one would. Ask me:\n\n"
    "- Where is order 2107?\n- Refund order 2104"
)

Step = str | ToolPart
"""Step of an answer: a text, or an action of a tool. A later part of the same use takes the earlier one's place."""

_LABELS = {"find_order": "Looking for the order…", "refund": "Refunding…"}
"""Labels of what the agent says that it does, by the tool that it will use."""

_ORDER = re.compile(r"(?<!\d)\d{4,6}(?!\d)")


class _Order(NamedTuple):
    bike: str
    place: str
    paid: int


_ORDERS = {
    2104: _Order("Sparrow, red", "It was delivered on Tuesday.", 940),
    2107: _Order("Heron, blue", "It is in the paint shop, and leaves on Thursday.", 2890),
    2111: _Order("Heron, green", "Its frame has arrived. Tomas builds it tomorrow.", 2890),
}


def answer_to(messages: Sequence[Message]) -> Iterator[Step | AskedCard]:
    """Yields the answer to messages, which ends with a card if people have to approve something."""
    asked = " ".join(message.content for message in messages)
    found = _ORDER.search(asked)
    if found is None:
        yield GREETING
        return
    number = int(found.group())
    use = ToolPart(f"find-{number}", "find_order", "input-available", "Find the order", input={"order": number})
    yield use
    order = _ORDERS.get(number)
    if order is None:
        yield replace(use, state="output-error", error="There is no such order.")
        yield f"I have no order {number}. There are {', '.join(map(str, _ORDERS))}."
        return
    yield replace(use, state="output-available", output={"bike": order.bike, "paid": order.paid})
    if "refund" in asked.lower():
        yield f"Order {number} is a {order.bike}, paid with {order.paid} EUR. Somebody has to approve a refund."
        yield _refund_card(number, order)
    else:
        yield f"Order {number} is a **{order.bike}**. {order.place}"


def after_decision(message: Message) -> Iterator[Step]:
    """Yields the answer after the decision about the card of a message."""
    card = message.card
    assert card is not None, "people have decided about it"
    number = card.asked.subject["order"] if isinstance(card.asked.subject, dict) else "?"
    if card.action_id != "approve":
        yield f"Then order {number} is not refunded."
        return
    refund = {"order": number, **(card.input or {})}
    use = ToolPart(f"refund-{number}", "refund", "input-available", "Refund", input=refund, card_id=str(message.id))
    yield use
    yield replace(use, state="output-available", output="refunded")
    yield f"Done: {refund['amount']} EUR for order {number} are on their way back."


def label_of(steps: Sequence[Step | AskedCard]) -> str | None:
    """Returns what people read while the agent prepares an answer; None for an answer without a tool."""
    return next((_LABELS[step.name] for step in steps if isinstance(step, ToolPart)), None)


def _refund_card(number: int, order: _Order) -> AskedCard:
    amount = {"type": "integer", "title": "Amount in EUR", "minimum": 1, "maximum": order.paid}
    schema = {"type": "object", "properties": {"amount": amount}, "required": ["amount"]}
    form = {"schema": schema, "values": {"amount": order.paid}}
    card = {
        "title": f"Refund order {number}?",
        "fields": [{"label": "Bike", "value": order.bike}, {"label": "Paid", "value": f"{order.paid} EUR"}],
        "actions": [
            {"id": "approve", "label": "Refund", "style": "primary", "input": form},
            {"id": "decline", "label": "Decline"},
        ],
        "decide": "first",
        "subject": {"order": number},
    }
    return msgspec.convert(card, AskedCard)
