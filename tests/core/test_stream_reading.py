"""What readers receive of a message that is being written: each character once, whatever the author does."""

from __future__ import annotations

from random import Random

import pytest

from talkwire.core.domain.parts.growing_parts import GrowingParts
from talkwire.core.domain.parts.message_parts import DataPart, MessagePart, ReasoningPart, TextPart
from talkwire.core.domain.parts.reading import Piece, StreamReading

TEXTS = ["a", "b", "\N{GRINNING FACE}", "ab\n"]


class Shown:
    """What a reader shows."""

    def __init__(self) -> None:
        self.parts: list[MessagePart] = []

    def receive(self, piece: Piece) -> None:
        place, part, is_new = piece
        if is_new:
            assert place == len(self.parts)
            self.parts.append(part)
        elif isinstance(part, TextPart | ReasoningPart):
            before = self.parts[place]
            assert type(before) is type(part)
            assert part.text, "nothing comes twice, and no piece is empty"
            self.parts[place] = type(part)(before.text + part.text)
        else:
            self.parts[place] = part


def write(parts: GrowingParts, random: Random) -> bool:
    """Does something at random. Returns whether something that was there is gone."""
    index = random.randrange(len(parts) + 1)
    values = parts.values()
    is_value = index < len(values) and isinstance(values[index], DataPart)
    if random.random() < 0.15 and index < len(values):
        length = parts.length(index)
        at = None if is_value or random.random() < 0.3 else random.randrange(length + 1)
        if at is not None and "\N{GRINNING FACE}" in values[index].text:  # type: ignore[union-attr]  # a text
            at = 0
        parts.rewind(index, at)
        return True
    if is_value or (index == len(values) and random.random() < 0.2):
        parts.set(index, DataPart("n", random.randrange(3)))
    elif index < len(values):
        parts.append(index, random.choice(TEXTS), None, None)
    else:
        parts.append(index, random.choice(TEXTS), random.choice(["text", "reasoning"]), None)
    return False


@pytest.mark.parametrize("seed", range(200))
def test_a_reader_shows_what_is_written_or_is_asked_to_begin_again(seed: int) -> None:
    random = Random(seed)
    parts, reading, shown = GrowingParts(), StreamReading(), Shown()
    is_rewound, restarts = False, 0
    for _ in range(60):
        is_rewound |= write(parts, random)
        if random.random() < 0.3:
            continue
        if random.random() < 0.2:  # the stream has moved to another node, or was continued
            parts = GrowingParts(parts.values())
        pieces = reading.take(parts)
        if pieces is None:
            assert is_rewound
            restarts += 1
            reading.restart()
            shown = Shown()
            pieces = reading.take(parts)
        is_rewound = False
        for piece in pieces or ():
            shown.receive(piece)
        assert tuple(shown.parts) == parts.values()
        assert reading.take(parts) == []
        _resumes(reading.place, parts, shown)


def _resumes(place: str, parts: GrowingParts, shown: Shown) -> None:
    """A reader that comes back to this place receives no text, on any node, and the values again."""
    again = StreamReading()
    again.resume(place, GrowingParts(parts.values()))
    assert again.place == place
    for piece in again.take(GrowingParts(parts.values())) or ():
        assert isinstance(piece.part, DataPart)
        assert shown.parts[piece.place] == piece.part


@pytest.mark.parametrize(
    ("place", "resumes"),
    [
        ("", False),
        ("x", False),
        ("3", False),
        ("3-00000000", False),
        ("3.1-00000000", False),
        ("-1-00000000", False),
        ("99999999-00000000", False),
        ("3-ZZZZZZZZ", False),
        (".".join(["1"] * 101) + "-00000000", False),
    ],
)
def test_a_place_that_does_not_fit_is_the_beginning(place: str, *, resumes: bool) -> None:
    parts = GrowingParts((TextPart("abc"),))
    reading = StreamReading()
    reading.resume(place, parts)
    assert bool(reading.place) is resumes
    assert reading.take(parts) == [Piece(0, TextPart("abc"), True)]


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        ((TextPart("abcd"),), "d"),
        ((TextPart("abc"),), ""),
        ((TextPart("abX"),), None),
        ((TextPart("ab"),), None),
        ((ReasoningPart("abc"),), None),
        ((), None),
    ],
)
def test_a_reader_goes_on_only_if_the_text_begins_with_what_it_has(
    now: tuple[MessagePart, ...], rest: str | None
) -> None:
    before = StreamReading()
    before.take(GrowingParts((TextPart("abc"),)))
    after = StreamReading()
    after.resume(before.place, GrowingParts(now))
    assert bool(after.place) is (rest is not None)
    taken = before.take(GrowingParts(now))
    assert taken == (None if rest is None else [Piece(0, TextPart("d"), False)] if rest else [])
