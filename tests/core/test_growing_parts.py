"""The parts of a message while it is written: what an append or a set changes, and what readers receive of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.parts.checks import PART_MAX_BYTES, PARTS_MAX, PARTS_MAX_BYTES, check_parts
from talkwire.core.domain.parts.growing_parts import GapError, GrowingParts, GrowingType, PartChange, PartsError
from talkwire.core.domain.parts.message_parts import (
    BETWEEN_TEXTS,
    DataPart,
    MessagePart,
    ReasoningPart,
    TextPart,
    utf16_length,
)
from talkwire.core.domain.texts import TEXT_MAX_BYTES
from tests.core.test_parts import PLAN, SOURCE, TOOL
from tests.repetition import repetitions

SMILE = "\N{GRINNING FACE}"  # two UTF-16 code units
FLAG = "\N{REGIONAL INDICATOR SYMBOL LETTER D}\N{REGIONAL INDICATOR SYMBOL LETTER E}"

Refusal = tuple[str, int] | str
Outcome = bool | Refusal
"""Whether an append changed anything, or how it was refused."""


def _outcome(parts: GrowingParts, index: int, text: str, kind: GrowingType | None, at: int | None) -> Any:  # noqa: ANN401 (a bool or a refusal)
    """Returns whether an append changed anything, or how it was refused."""
    try:
        return parts.append(index, text, kind, at)
    except GapError as gap:
        return "gap", gap.length
    except PartsError as error:
        return "parts", error.count
    except ChatError as error:
        return f"{error.code} {error.message}"


# --- appends ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "text", "at", "outcome", "after"),
    [
        ("", "a", None, True, "a"),
        ("", "a", 0, True, "a"),
        ("", "a", 1, ("gap", 0), None),
        ("ab", "c", None, True, "abc"),
        ("ab", "c", 2, True, "abc"),
        ("ab", "ab", None, True, "abab"),
        ("ab", "ab", 0, False, "ab"),
        ("ab", "b", 1, False, "ab"),
        ("ab", "a", 0, False, "ab"),
        ("ab", "bc", 1, True, "abc"),
        ("ab", "abcd", 0, True, "abcd"),
        ("ab", "x", 0, ("gap", 2), "ab"),
        ("ab", "xy", 1, ("gap", 2), "ab"),
        ("ab", "bx", 0, ("gap", 2), "ab"),
        ("ab", "c", 3, ("gap", 2), "ab"),
        ("ab", "c", 2**53, ("gap", 2), "ab"),
        (SMILE, "a", 2, True, f"{SMILE}a"),
        (SMILE, "a", 1, ("gap", 2), SMILE),
        (SMILE, SMILE, 1, ("gap", 2), SMILE),
        (SMILE, SMILE, 0, False, SMILE),
        (SMILE, FLAG, 2, True, f"{SMILE}{FLAG}"),
        # Another character with the same first half.
        (SMILE, "\N{GRINNING FACE WITH SMILING EYES}", 0, ("gap", 2), SMILE),
        (FLAG[0], FLAG, 0, True, FLAG),
        ("ä", "b", 1, True, "äb"),
        ("e\u0301", "\u0301x", 1, True, "e\u0301x"),
    ],
)
def test_an_append_adds_what_is_not_there_and_refuses_what_does_not_fit(
    before: str, text: str, at: int | None, outcome: Outcome, after: str | None
) -> None:
    parts = GrowingParts((TextPart(before),) if before else ())
    assert _outcome(parts, 0, text, "text", at) == outcome
    assert parts.values() == (() if after is None else (TextPart(after),))
    assert parts.lengths() == ([] if after is None else [utf16_length(after)])
    if outcome is True and at is not None:
        assert _outcome(parts, 0, text, "text", at) is False


@pytest.mark.parametrize(
    ("index", "text", "kind", "outcome"),
    [
        (0, "", None, "invalid_request text: must not be empty"),
        (0, "\ud83d", None, "invalid_request text: must not contain lone surrogates"),
        (0, "\x00", None, "invalid_request text: must not contain U+0000"),
        (0, "x", "reasoning", "invalid_request type: must be text, as the part is"),
        (1, "x", "text", "invalid_request type: must be reasoning, as the part is"),
        (2, "x", None, "invalid_request part: is no text: set it as a whole"),
        (4, "x", None, ("parts", 3)),
        (-1, "x", None, ("parts", 3)),
    ],
)
def test_an_invalid_append_is_refused_and_changes_nothing(
    index: int, text: str, kind: GrowingType | None, outcome: Refusal
) -> None:
    before = (TextPart("a"), ReasoningPart("b"), TOOL)
    parts = GrowingParts(before)
    assert _outcome(parts, index, text, kind, None) == outcome
    assert parts.values() == before


@pytest.mark.parametrize("kind", [None, "text", "reasoning"])
def test_the_first_append_says_what_the_part_is(kind: GrowingType | None) -> None:
    parts = GrowingParts()
    assert parts.append(0, "a", kind, None)
    assert parts.append(0, "b", None, 1)
    assert parts.values() == ((ReasoningPart if kind == "reasoning" else TextPart)("ab"),)


# --- parts that are set -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (TOOL, TOOL, False),
        (DataPart("n", 1), DataPart("n", 2), True),
        (DataPart("n", 1), DataPart("n", True), True),
        (DataPart("n", [0]), DataPart("n", [False]), True),
        (DataPart("n", {"a": 1, "b": 2}), DataPart("n", {"b": 2, "a": 1}), False),
    ],
)
def test_a_set_replaces_a_part_unless_it_is_the_same_json(
    before: MessagePart, after: MessagePart, *, changes: bool
) -> None:
    parts = GrowingParts((before,))
    parts.take_changes()
    assert parts.set(0, after) is changes
    assert [repr(each) for each in parts.values()] == [repr(after if changes else before)]
    assert parts.take_changes() == ([PartChange(0, value=after)] if changes else [])


@pytest.mark.parametrize(
    ("index", "value", "refusal"),
    [
        (0, TOOL, "set.type: must be that of the part"),
        (1, PLAN, "set.type: must be that of the part"),
        (1, TextPart("x"), "set.type: must not be a text: append it"),
        (2, ReasoningPart("x"), "set.type: must not be a text: append it"),
        (2, DataPart("", 1), "set.name: must have 1 to 128 characters"),
        (3, TOOL, ("parts", 2)),
    ],
)
def test_an_invalid_set_is_refused_and_changes_nothing(index: int, value: MessagePart, refusal: Refusal) -> None:
    parts = GrowingParts((TextPart("x"), TOOL))
    with pytest.raises((ChatError, PartsError)) as refused:
        parts.set(index, value)
    error = refused.value
    assert (error.message if isinstance(error, ChatError) else ("parts", refused.value.args[0])) == refusal
    assert parts.values() == (TextPart("x"), TOOL)


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_a_part_and_the_texts_together_have_64_kib_with_the_separators_between_them() -> None:
    half = TEXT_MAX_BYTES // 2
    for lengths in ([TEXT_MAX_BYTES], [half, half - len(BETWEEN_TEXTS)], [half, 1, half - 1 - 2 * len(BETWEEN_TEXTS)]):
        parts = GrowingParts()
        for index, length in enumerate(lengths):
            if length > 1:
                parts.append(index, "x" * (length - 1), "text", 0)
            parts.append(index, "x", "text", length - 1)
        check_parts(parts.values())
        for index in range(len(lengths)):
            assert "payload_too_large" in _outcome(parts, index, "x", None, None)
        assert "payload_too_large" in _outcome(parts, len(lengths), "x", "text", 0)
        assert parts.lengths() == lengths
        assert parts.append(len(lengths), "x", "reasoning", 0)


@pytest.mark.parametrize("text", ["x", "ä", "€", SMILE])
def test_reasoning_has_64_kib_of_utf_8(text: str) -> None:
    parts = GrowingParts()
    size = len(text.encode())
    parts.append(0, text * (PART_MAX_BYTES // size), "reasoning", 0)
    assert "payload_too_large" in _outcome(parts, 0, text, None, None)
    assert "payload_too_large" in _outcome(parts, 1, text * (PART_MAX_BYTES // size + 1), "reasoning", 0)


def test_a_message_has_256_kib_and_100_parts() -> None:
    parts = GrowingParts()
    for index in range(4):
        parts.append(index, "x" * PART_MAX_BYTES, "reasoning", 0)
    assert PARTS_MAX_BYTES == 4 * PART_MAX_BYTES
    with pytest.raises(ChatError, match="bytes together"):
        parts.set(4, TOOL)
    parts = GrowingParts()
    for index in range(PARTS_MAX):
        parts.append(index, "x", "reasoning", 0)
    with pytest.raises(ChatError, match="part: must be below 100"):
        parts.append(PARTS_MAX, "x", "text", 0)
    with pytest.raises(ChatError, match="part: must be below 100"):
        parts.set(PARTS_MAX, TOOL)
    assert len(parts) == PARTS_MAX


def test_a_smaller_value_makes_room() -> None:
    parts = GrowingParts()
    for index in range(4):
        parts.set(index, DataPart("n", "x" * (PART_MAX_BYTES - 100)))
    with pytest.raises(ChatError, match="bytes together"):
        parts.append(4, "x" * 1000, "text", 0)
    parts.set(0, DataPart("n", ""))
    parts.append(4, "x" * 1000, "text", 0)


# --- what readers receive ---------------------------------------------------------------------------------------------


class Reader:
    """A reader as the clients are: parts as lists of UTF-16 code units, or values."""

    def __init__(self, *parts: list[bytes] | MessagePart) -> None:
        self.parts = [*parts]
        self.received = 0
        """The code units that came in changes that do not replace."""

    def apply(self, changes: Sequence[PartChange]) -> None:
        for change in changes:
            assert 0 <= change.part <= len(self.parts)
            if change.text is not None:
                self._add(change.part, change.at, _units(change.text), replace=change.replace)
            elif change.value is not None:
                self._put(change.part, change.value)
            if change.drop:
                kept = change.part if change.text is None and change.value is None else change.part + 1
                del self.parts[kept:]

    def _add(self, index: int, at: int, units: list[bytes], *, replace: bool) -> None:
        if replace:
            assert at == 0
            self._put(index, units)
            return
        part = self.parts[index]
        assert isinstance(part, list)
        assert at == len(part), "each code unit comes once, in order"
        self.received += len(units)
        part += units

    def _put(self, index: int, value: list[bytes] | MessagePart) -> None:
        self.parts[index : index + 1] = [value]

    def has(self, values: Sequence[MessagePart]) -> bool:
        return self.parts == [_units(v.text) if isinstance(v, TextPart | ReasoningPart) else v for v in values]


def _units(text: str) -> list[bytes]:
    encoded = text.encode("utf-16-le")
    return [encoded[i : i + 2] for i in range(0, len(encoded), 2)]


class Model:
    """What the parts must be, as plain strings, and values for parts that are set."""

    def __init__(self) -> None:
        self.parts: list[tuple[GrowingType, str] | MessagePart] = []

    def append(self, index: int, text: str, kind: GrowingType | None, at: int | None) -> Outcome:
        if index == len(self.parts):
            if at:
                return "gap", 0
            self.parts.append((kind or "text", text))
            return True
        if index > len(self.parts):
            return "parts", len(self.parts)
        part = self.parts[index]
        if not isinstance(part, tuple) or kind not in {None, part[0]}:
            return "invalid_request"
        known = _units(part[1])
        place = len(known) if at is None else at
        added = _units(text)
        fits = place <= len(known) and all(a == b for a, b in zip(known[place:], added, strict=False))
        if not fits:
            return "gap", len(known)
        joined = known + added[len(known) - place :]
        self.parts[index] = (part[0], b"".join(joined).decode("utf-16-le"))
        return len(joined) > len(known)

    def set(self, index: int, value: MessagePart) -> bool:
        if index == len(self.parts):
            self.parts.append(value)
            return True
        if index > len(self.parts) or type(self.parts[index]) is not type(value):
            return False
        changes = self.parts[index] != value
        self.parts[index] = value
        return changes

    def rewind(self, index: int, at: int | None) -> bool:
        if index >= len(self.parts):
            return False
        part = self.parts[index]
        if at is None:
            del self.parts[index:]
            return True
        if not isinstance(part, tuple):
            return False
        try:
            kept = b"".join(_units(part[1])[:at]).decode("utf-16-le")
        except UnicodeDecodeError:
            return False
        if at > utf16_length(part[1]):
            return False
        del self.parts[index + 1 :]
        self.parts[index] = (part[0], kept)
        return True

    def values(self) -> tuple[MessagePart, ...]:
        return tuple(_text_part(*part) if isinstance(part, tuple) else part for part in self.parts)


def _text_part(kind: GrowingType, text: str) -> MessagePart:
    return TextPart(text) if kind == "text" else ReasoningPart(text)


_PIECES = ("a", "b", "ab", "ba", "aab", "ä", SMILE, f"a{SMILE}", f"{SMILE}b", FLAG, FLAG[0], FLAG[1], "\n", " ")
_VALUES: tuple[MessagePart, ...] = (TOOL, PLAN, SOURCE, DataPart("n", 1), DataPart("n", 2))

_KINDS: tuple[GrowingType | None, ...] = (None, None, "text", "reasoning")


def _write(chance: random.Random, parts: GrowingParts, model: Model, *, rewinds: bool) -> None:
    """Writes once to both, and compares the outcomes."""
    index = chance.choice((max(0, len(model.parts) - 1), chance.randrange(len(model.parts) + 2)))
    length = parts.length(index) if index < len(parts) else 0
    at = chance.choice((None, length, length, max(0, length - chance.randrange(4)), length + chance.randrange(2)))
    match chance.choice(("append",) * 8 + ("set", "rewind" if rewinds else "append")):
        case "append":
            text = "".join(chance.choices(_PIECES, k=chance.randrange(1, 4)))
            kind = chance.choice(_KINDS)
            outcome, expected = _outcome(parts, index, text, kind, at), model.append(index, text, kind, at)
            assert outcome == expected or (expected == "invalid_request" and str(outcome).startswith(expected))
        case "set":
            value = chance.choice(_VALUES)
            assert _set(parts, index, value) == model.set(index, value)
        case "rewind":
            assert _rewound(parts, index, at) == model.rewind(index, at)


def _set(parts: GrowingParts, index: int, value: MessagePart) -> bool:
    try:
        return parts.set(index, value)
    except (ChatError, PartsError):
        return False


def _rewound(parts: GrowingParts, index: int, at: int | None) -> bool:
    try:
        parts.rewind(index, at)
    except (ChatError, GapError, PartsError):
        return False
    return True


@settings(max_examples=repetitions(2000, usual=40), deadline=None)
@given(chance=st.randoms(use_true_random=False), rewinds=st.booleans())
def test_readers_have_the_authors_text_whenever_they_join_and_whatever_is_written(
    chance: random.Random,
    *,
    rewinds: bool,
) -> None:
    """One reader is there from the beginning. Others join at random moments, with the whole parts, and with
    something of an earlier attempt if anything was written."""
    parts, model = GrowingParts(), Model()
    readers = [Reader()]
    was_written = False
    for _ in range(chance.randrange(1, 40)):
        _write(chance, parts, model, rewinds=rewinds)
        was_written = was_written or bool(model.values())
        if chance.random() < 0.3:
            changes = parts.take_changes()
            for reader in readers:
                reader.apply(changes)
                assert reader.has(model.values())
            if chance.random() < 0.3:
                late = Reader(*(_units("old"), TOOL, _units("old"))[: chance.randrange(4) if was_written else 0])
                late.apply(parts.whole())
                assert late.has(model.values())
                readers.append(late)
        assert parts.values() == model.values()
        assert parts.lengths() == [
            utf16_length(each.text) if isinstance(each, TextPart | ReasoningPart) else 1 for each in model.values()
        ]
        _check_sizes(parts)


def _check_sizes(parts: GrowingParts) -> None:
    """The sizes that limits are compared with are those of the texts."""
    for part, value in zip(parts._parts, parts.values(), strict=True):
        if isinstance(value, TextPart | ReasoningPart):
            assert part.size == len(value.text.encode())


@pytest.mark.parametrize("stored", [0, 1, 2])
def test_readers_of_an_attempt_that_was_taken_over_lose_what_it_had_not_stored(stored: int) -> None:
    """The next attempt has only the parts that were stored."""
    reader, former = Reader(), GrowingParts()
    for index, text in enumerate(("one", "two", "three")):
        former.append(index, text, "text", 0)
    reader.apply(former.take_changes())
    parts = GrowingParts(former.values()[:stored], has_readers=True)
    reader.apply(parts.take_changes())
    assert reader.has(former.values()[:stored])
    parts.append(stored, "other", "reasoning", 0)
    reader.apply(parts.take_changes())
    assert reader.has((*former.values()[:stored], ReasoningPart("other")))


def test_readers_of_a_new_message_receive_each_character_once() -> None:
    parts, reader = GrowingParts(), Reader()
    text = f"Hello {SMILE} world" * 20
    for place in range(0, len(text), 7):
        parts.append(0, text[place : place + 7], "text", None)
        changes = parts.take_changes()
        assert [(each.part, each.drop) for each in changes] == [(0, False)]
        reader.apply(changes)
    assert parts.take_changes() == []
    assert reader.has((TextPart(text),))
    assert reader.received == utf16_length(text[7:])


# --- work -------------------------------------------------------------------------------------------------------------


class Counting(bytearray):
    """A buffer that counts the bytes that are read from it."""

    read = 0

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 (an index or a slice)
        found = super().__getitem__(key)
        if isinstance(found, bytearray):
            Counting.read += len(found)
        return found


@pytest.mark.parametrize("how", ["at", "repeat", "delta"])
def test_an_append_reads_no_more_of_a_long_part_than_of_a_short_one(how: Literal["at", "repeat", "delta"]) -> None:
    def work(length: int) -> int:
        parts = GrowingParts((ReasoningPart("x" * length),))
        part: Any = parts._parts[0]
        part.units = Counting(part.units)
        parts.take_changes()
        Counting.read = 0
        parts.append(0, "abc" * 10, None, length)
        if how == "repeat":
            assert not parts.append(0, "abc" * 10, None, length)
        if how == "delta":
            parts.take_changes()
        return Counting.read

    assert work(60_000) == work(100) <= 200


def test_the_rest_of_a_part_that_is_not_there_is_a_gap() -> None:
    parts = GrowingParts()
    with pytest.raises(GapError):
        parts.apply(PartChange(0, 3, "the rest", kind="text"))
    assert parts.lengths() == []
