"""The parts of messages: texts, reasoning, uses of tools, sources, plans and data of the application.

A message with parts has a `content` that follows from them. Search, notifications, other dialects and clients that know
no parts use that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

ToolState = Literal[
    "input-streaming",
    "input-available",
    "approval-requested",
    "approval-responded",
    "output-available",
    "output-error",
    "output-denied",
]
"""State of the use of a tool."""

TaskStatus = Literal["pending", "in_progress", "complete", "error"]

BETWEEN_TEXTS = "\n\n"

TITLES_MAX_LENGTH = 2000
"""Most characters of titles in a message's `content`, if the message has no text."""


class _Base(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """The base class of all parts, which are stored and sent in the same form."""


class TextPart(_Base, frozen=True, tag_field="type", tag="text"):
    """A text in Markdown, as the `content` of a message without parts is one."""

    text: str


class ReasoningPart(_Base, frozen=True, tag_field="type", tag="reasoning"):
    """What an agent considered before it answered."""

    text: str


class ToolPart(_Base, frozen=True, tag_field="type", tag="tool"):
    """An agent's use of a tool. `input` and `output` may be any JSON. `error` says why the use failed."""

    tool_call_id: str
    name: str
    state: ToolState
    title: str | None = None
    input: object | UnsetType = UNSET
    output: object | UnsetType = UNSET
    error: str | None = None
    card_id: str | None = None


class SourcePart(_Base, frozen=True, tag_field="type", tag="source"):
    """A source of what a message says: exactly one of a web page (`url`), another message (`messageId`) and a file of
    the author (`fileId`), which is among the message's attachments. `quote` is a copy of what the source says."""

    url: str | None = None
    message_id: str | None = None
    file_id: str | None = None
    title: str | None = None
    quote: str | None = None

    @property
    def quoted_id(self) -> int | None:
        """Returns the id of the message that the part quotes; None if it quotes none."""
        return None if self.quote is None or self.message_id is None else int(self.message_id)


class PlanTask(_Base, frozen=True):
    id: str
    title: str
    status: TaskStatus
    details: str | None = None


class PlanPart(_Base, frozen=True, tag_field="type", tag="plan"):
    """The tasks that an agent has set itself, and how far it is with each."""

    tasks: tuple[PlanTask, ...]
    title: str | None = None


class DataPart(_Base, frozen=True, tag_field="type", tag="data"):
    """Data of the application for its own clients, of the kind `name`. Talkwire stores the `value`, which may be any
    JSON, and does not interpret it."""

    name: str
    value: object


MessagePart = TextPart | ReasoningPart | ToolPart | SourcePart | PlanPart | DataPart


def content_of(parts: Sequence[MessagePart]) -> str:
    """Returns the `content` of a message with these parts: its texts, joined by blank lines. Without any text, it
    consists of the titles of its tools, plans and sources, and without these of the names of its data."""
    texts = [part.text for part in parts if isinstance(part, TextPart) and part.text.strip()]
    if texts:
        return BETWEEN_TEXTS.join(texts)
    titles = [title for part in parts for title in _titles_of(part)]
    names = titles or [part.name for part in parts if isinstance(part, DataPart)]
    return ", ".join(names)[:TITLES_MAX_LENGTH]


def _titles_of(part: MessagePart) -> Iterator[str]:
    match part:
        case ToolPart():
            yield part.title or part.name
        case PlanPart(title=None, tasks=tasks):
            yield from (task.title for task in tasks)
        case PlanPart(title=str() as title):
            yield title
        case SourcePart():
            yield from [each for each in (part.title, part.url) if each is not None][:1]


def simplified(parts: tuple[MessagePart, ...]) -> tuple[MessagePart, ...]:
    """Returns the parts that a message stores: none if they are only one text, which `content` says alone."""
    return () if len(parts) == 1 and isinstance(parts[0], TextPart) else parts


def whole_parts(parts: tuple[MessagePart, ...], content: str) -> tuple[MessagePart, ...]:
    """Returns the parts of a message that has stored `parts` and `content`: the opposite of `simplified`."""
    return parts or ((TextPart(content),) if content else ())


def with_text(parts: Sequence[MessagePart], text: str) -> tuple[MessagePart, ...]:
    """Returns the parts with one text in place of all texts: where the first of them was, or first if there was none.
    A blank text only removes the texts."""
    is_text = [isinstance(part, TextPart) for part in parts]
    place = is_text.index(True) if True in is_text else 0
    others = [part for part in parts if not isinstance(part, TextPart)]
    return (*others[:place], *([TextPart(text)] if text.strip() else ()), *others[place:])


def without_blanks(parts: Sequence[MessagePart]) -> tuple[MessagePart, ...]:
    """Returns the parts without texts and reasoning that are blank, which no message has."""
    return tuple(part for part in parts if not isinstance(part, TextPart | ReasoningPart) or part.text.strip())


def need_right(parts: Sequence[MessagePart]) -> bool:
    """Returns whether not everybody who may write may send these parts: all types but texts and sources."""
    return not all(isinstance(part, TextPart | SourcePart) for part in parts)


def forwarded(parts: Sequence[MessagePart]) -> tuple[MessagePart, ...]:
    """Returns the parts that a forwarded copy of a message has: its texts and sources."""
    return tuple(part for part in parts if isinstance(part, TextPart | SourcePart))


def file_ids_of(parts: Sequence[MessagePart], known: Collection[str | None] = ()) -> tuple[str, ...]:
    """Returns the ids of the files that are sources, each once, without the ids in `known`."""
    ids = (part.file_id for part in parts if isinstance(part, SourcePart) and part.file_id is not None)
    return tuple(dict.fromkeys(id_ for id_ in ids if id_ not in known))


def quoted_ids(parts: Sequence[MessagePart]) -> set[int]:
    """Returns the ids of the messages that sources quote."""
    return {part.quoted_id for part in parts if isinstance(part, SourcePart) and part.quoted_id is not None}


def without_quotes_of(message_id: int, parts: Sequence[MessagePart]) -> tuple[MessagePart, ...]:
    """Returns the parts without what sources quote of the message `message_id`."""
    return tuple(
        replace(part, quote=None) if isinstance(part, SourcePart) and part.quoted_id == message_id else part
        for part in parts
    )


def utf16_length(text: str) -> int:
    """Returns how many UTF-16 code units a text has: its `length` in JavaScript, by which clients count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
