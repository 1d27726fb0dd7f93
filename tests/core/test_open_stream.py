"""When a message that is being written is sent to readers and stored, and how much of it is."""

from __future__ import annotations

import pytest

from talkwire.core.commands.streams.writing import PartProgress
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import DataPart, MessagePart, TextPart
from talkwire.core.domain.parts.streams import Stream
from talkwire.core.signals.streams.open_stream import CHECKPOINT_EVERY_S, OpenStream

TICK_S = 0.05


def opened(*parts: MessagePart, member_count: int = 3, attempt: int = 1) -> OpenStream:
    message = Message(1, "c", 1, "helper", "Helper", "", 0, parts=parts, state="streaming")
    stream = Stream(1, "c", "helper", attempt, "node", 15_000, 15_000)
    return OpenStream(message, stream, member_count, 0.0, has_readers=attempt > 1)


@pytest.mark.parametrize(("member_count", "at_most"), [(2, 20), (50, 20), (51, 5), (1000, 5), (1001, 1), (100_000, 1)])
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_readers_receive_so_many_changes_a_second_however_many_parts_change(
    member_count: int, at_most: int, parts: int
) -> None:
    stream, sent, seconds = opened(member_count=member_count), 0, 20
    for tick in range(int(seconds / TICK_S)):
        for part in range(parts):
            stream.parts.append(part, "x", "reasoning", None)
        stream.wrote()
        if stream.has_news and stream.delta_at <= tick * TICK_S + 1e-6:
            sent += len(stream.take_changes(tick * TICK_S))
            assert not stream.has_news
    assert seconds * at_most / 2 <= sent <= seconds * at_most + parts


def test_a_checkpoint_is_due_once_a_second_and_says_how_much_is_stored() -> None:
    stream = opened(TextPart("a"))
    assert stream.progress() == (PartProgress("text", 1, 1),)
    stream.parts.append(0, "bc", None, 1)
    stream.wrote()
    stream.parts.set(1, DataPart("n", 1))
    stream.wrote(replaced=1)
    assert stream.progress() == (PartProgress("text", 3, 1), PartProgress("data", 1, 0))
    checkpoint, lengths = stream.take_checkpoint(5.0)
    assert (checkpoint.parts, stream.checkpoint_at) == ((TextPart("abc"), DataPart("n", 1)), 5.0 + CHECKPOINT_EVERY_S)
    assert not stream.is_unstored
    assert stream.stored_of(0) == 1, "nothing is stored before the commit"
    stream.checkpoint_stored(lengths)
    assert [stream.stored_of(part) for part in range(3)] == [3, 1, 0]


def test_a_part_that_is_replaced_while_its_checkpoint_is_stored_is_not_stored() -> None:
    stream = opened(DataPart("n", 1), DataPart("n", 1))
    _, lengths = stream.take_checkpoint(1.0)
    stream.parts.set(1, DataPart("n", 2))
    stream.wrote(replaced=1)
    assert [stream.stored_of(part) for part in range(2)] == [1, 0]
    stream.checkpoint_stored(lengths)
    assert [stream.stored_of(part) for part in range(2)] == [1, 0]
    assert stream.is_unstored


@pytest.mark.parametrize(("attempt", "has_news"), [(1, False), (2, True)])
def test_readers_receive_what_an_attempt_has_taken_over(attempt: int, *, has_news: bool) -> None:
    stream = opened(TextPart("a"), attempt=attempt)
    assert stream.has_news is has_news
    assert [change.drop for change in stream.take_changes(0.0)] == [has_news]
