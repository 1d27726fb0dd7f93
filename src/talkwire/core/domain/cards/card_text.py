"""The text of a card, for places and clients that do not show cards."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET

from talkwire.core.domain.cards.card import AskedCard, InputValue, MessageCard

_ENDS = {
    "closed": "Closed",
    "cancelled": "Cancelled",
    "expired": "Expired",
    "superseded": "Replaced by another card",
    "unreachable": "Ended without a decision",
}
BETWEEN_PARAGRAPHS = "\n\n"

_VALUE_MAX_LENGTH = 500
"""Most characters of a text that was filled in that are shown."""


def text_of(card: MessageCard) -> str:
    """Returns a card as Markdown: its title, text, fields and actions, and how it has ended."""
    return BETWEEN_PARAGRAPHS.join([*_paragraphs(card.asked), *_result(card)])


def text_of_asked(asked: AskedCard) -> str:
    """Returns the same for a card that is new."""
    return BETWEEN_PARAGRAPHS.join(_paragraphs(asked))


def _paragraphs(asked: AskedCard) -> Iterator[str]:
    yield asked.title
    if asked.text is not UNSET:
        yield asked.text
    if asked.fields is not UNSET and asked.fields:
        yield "\n".join(f"{field.label}: {field.value}" for field in asked.fields)
    yield "\n".join(f"- {a.label}" if a.url is UNSET else f"- {a.label}: {a.url}" for a in asked.actions)


def _result(card: MessageCard) -> Iterator[str]:
    labels = {action.id: action.label for action in card.asked.actions}
    if card.state == "decided":
        yield f"Decided: {labels[card.action_id or '']}"
        if card.input:
            yield "\n".join(_filled_in(card, card.input))
    elif card.state != "open":
        yield _ENDS[card.state]
        if card.asked.is_poll and card.counts:
            yield "\n".join(f"{labels[id_]}: {count}" for id_, count in card.counts.items())


def _filled_in(card: MessageCard, values: dict[str, InputValue]) -> Iterator[str]:
    """Yields what was filled in with the action that was decided, each value in a line with its title."""
    forms = (action.input.form for action in card.asked.actions if action.id == card.action_id and action.input)
    properties = next(forms).properties
    for name, value in values.items():
        title = properties[name].title
        yield f"{name if title is UNSET else title}: {_readable(value)}"


def _readable(value: InputValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= _VALUE_MAX_LENGTH else f"{text[:_VALUE_MAX_LENGTH]}…"
