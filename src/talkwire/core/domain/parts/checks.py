"""Checks the parts of a message from a client. Errors name the invalid member, such as `parts[3].tasks[1].title`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import message_number
from talkwire.core.domain.parts.message_parts import (
    DataPart,
    MessagePart,
    PlanPart,
    ReasoningPart,
    SourcePart,
    TextPart,
    ToolPart,
    content_of,
    file_ids_of,
)
from talkwire.core.domain.texts import NAME_MAX_LENGTH, check_content, check_short_text, check_url, json_fits

PARTS_MAX = 100
"""Most parts of a message."""

PART_MAX_BYTES = 64 * 1024
"""Largest part of a message, in bytes."""

PARTS_MAX_BYTES = 256 * 1024
"""Largest size of all parts of a message together, in bytes."""

TASKS_MAX = 50
"""Most tasks of a plan."""

TOOL_NAME_MAX_LENGTH = 128
"""Longest name of a tool or of data, and longest id within a part, in characters."""

_encode = msgspec.json.Encoder().encode


def check_parts(parts: Sequence[MessagePart], *, may_be_empty: bool = False) -> None:
    """Raises an error for invalid parts of a message, and for parts from which no `content` follows, unless
    `may_be_empty` or one of them is a file.

    The error is `invalid_request`, and `payload_too_large` for too large parts and for too long texts.
    """
    if not 1 <= len(parts) <= PARTS_MAX:
        raise invalid("parts", f"must have 1 to {PARTS_MAX} items")
    size = 0
    for index, part in enumerate(parts):
        size += checked_size(f"parts[{index}]", part)
        if size > PARTS_MAX_BYTES:
            raise ChatError("payload_too_large", f"parts: at most {PARTS_MAX_BYTES} bytes together")
    content = content_of(parts)
    check_content("parts", content, may_be_empty=True)
    if not content.strip() and not may_be_empty and not file_ids_of(parts):
        raise invalid("parts", "must have a part with a text, a name or a title, other than reasoning")


def checked_size(path: str, part: MessagePart) -> int:
    """Returns how many bytes a part counts: of a text and reasoning those of the text, of others those of the JSON.
    Raises an error for an invalid part."""
    if isinstance(part, TextPart | ReasoningPart):
        check_content(f"{path}.text", part.text)
        return len(part.text.encode())
    match part:
        case ToolPart():
            _check_tool(path, part)
        case SourcePart():
            _check_source(path, part)
        case PlanPart():
            _check_plan(path, part)
        case DataPart():
            check_short_text(f"{path}.name", part.name, TOOL_NAME_MAX_LENGTH)
            _check_json(f"{path}.value", part.value)
    size = len(_encode(part))
    if size > PART_MAX_BYTES:
        raise _too_large(path)
    return size


def _check_tool(path: str, part: ToolPart) -> None:
    check_short_text(f"{path}.toolCallId", part.tool_call_id, TOOL_NAME_MAX_LENGTH)
    check_short_text(f"{path}.name", part.name, TOOL_NAME_MAX_LENGTH)
    _check_title(path, part.title)
    _check_text(f"{path}.error", part.error)
    if part.card_id is not None:
        check_short_text(f"{path}.cardId", part.card_id, TOOL_NAME_MAX_LENGTH)
    for name, value in (("input", part.input), ("output", part.output)):
        if value is not UNSET:
            _check_json(f"{path}.{name}", value)


def _check_source(path: str, part: SourcePart) -> None:
    if sum(each is not None for each in (part.url, part.message_id, part.file_id)) != 1:
        raise invalid(path, "must have exactly one of url, messageId and fileId")
    if part.url is not None:
        check_url(f"{path}.url", part.url)
    if part.message_id is not None and message_number(part.message_id) is None:
        raise invalid(f"{path}.messageId", "must be the id of a message")
    if part.file_id is not None:
        check_short_text(f"{path}.fileId", part.file_id, TOOL_NAME_MAX_LENGTH)
    _check_title(path, part.title)
    _check_text(f"{path}.quote", part.quote)


def _check_plan(path: str, part: PlanPart) -> None:
    _check_title(path, part.title)
    if not 1 <= len(part.tasks) <= TASKS_MAX:
        raise invalid(f"{path}.tasks", f"must have 1 to {TASKS_MAX} items")
    for index, task in enumerate(part.tasks):
        place = f"{path}.tasks[{index}]"
        check_short_text(f"{place}.id", task.id, TOOL_NAME_MAX_LENGTH)
        check_short_text(f"{place}.title", task.title, NAME_MAX_LENGTH)
        _check_text(f"{place}.details", task.details)
    if len({task.id for task in part.tasks}) < len(part.tasks):
        raise invalid(f"{path}.tasks", "must have tasks with different ids")


def _check_title(path: str, title: str | None) -> None:
    if title is not None:
        check_short_text(f"{path}.title", title, NAME_MAX_LENGTH)


def _check_text(path: str, text: str | None) -> None:
    if text is not None:
        check_content(path, text)


def _check_json(path: str, value: object) -> None:
    if not json_fits(path, value, PART_MAX_BYTES):
        raise _too_large(path)


def _too_large(path: str) -> ChatError:
    return ChatError("payload_too_large", f"{path}: at most {PART_MAX_BYTES} bytes")
