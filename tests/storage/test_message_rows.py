"""A new message that is written as nothing but a text loses nothing by it."""

from __future__ import annotations

import msgspec
import pytest

from talkwire.core.domain.model import Message
from talkwire.storage.messages.messages import Extra, extra_of, is_text, message_values, text_values, to_extra
from tests.dialects.test_message_payload import OTHER, PLAIN

IN_THE_ROW_OF_A_TEXT = {"client_message_id", "metadata", "command_hash"}
REFERENCES = {"reply_to", "thread_id"}
LATER = {"reactions", "reply_count", "thread", "pinned_ms", "edited_ms", "deleted_ms", "deleted_by"}
"""What a new message does not have. An imported one that has it is changed by further statements."""
ELSEWHERE = {"sender_avatar"}
"""What the row of the user has."""

FIELDS = {field.name for field in msgspec.structs.fields(Message) if not field.required}


def with_other(name: str) -> Message:
    """Returns a message that has this field. One with an error was a stream."""
    names = {"state", "error"} if name == "error" else {name}
    return msgspec.structs.replace(PLAIN, **{name: OTHER[name] for name in names})


def test_each_field_of_a_message_is_written_somewhere() -> None:
    groups = (IN_THE_ROW_OF_A_TEXT, REFERENCES, LATER, ELSEWHERE, set(Extra.__struct_fields__))
    assert set.union(*groups) == FIELDS
    assert sum(map(len, groups)) == len(FIELDS)


@pytest.mark.parametrize("name", sorted(IN_THE_ROW_OF_A_TEXT))
def test_a_field_of_a_text_is_in_its_row(name: str) -> None:
    message = with_other(name)
    assert is_text(message)
    assert text_values(message) != text_values(PLAIN)
    assert message_values(message) == (*text_values(message), None, None, None)


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_message_that_refers_to_another_is_no_mere_text(name: str) -> None:
    message = with_other(name)
    assert not is_text(message)
    assert message_values(message) != (*text_values(message), None, None, None)


@pytest.mark.parametrize("name", Extra.__struct_fields__)
def test_a_rarely_used_field_is_in_the_column_of_them(name: str) -> None:
    message = with_other(name)
    assert not is_text(message)
    assert getattr(to_extra(extra_of(message)), name) == OTHER[name]
