"""Values that often break programs, for any place of a JSON value, a text or a number.

All randomness comes from a `Random`, so a seed reproduces the values.
"""

from __future__ import annotations

import json
from random import Random
from urllib.parse import quote

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1e",
    "\x7f\x85",
    "\ud800",
    "\udfff\ud800",
    "a\ud83d",
    "\ufeff",
    "\uffff",
    "\u202eabc",
    "\u200f\u200e",
    "e\u0301",
    "a" + "\u0315\u0300" * 20,
    "\u1100" * 30,
    "\ufdfa" * 30,
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👦" * 5,
    "\u0130\u0131\u017fK",
    "'; DROP TABLE messages; --",
    '"',
    "\\",
    "\\u0000",
    "%00",
    "%",
    "_",
    "*",
    '"unbalanced',
    "NEAR(a b, 3)",
    "a OR NOT b:",
    "../../etc/passwd",
    "..%2f",
    "me",
    "online",
    "__proto__",
    "constructor",
    "null",
    "true",
    "[object Object]",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "@reader1 @all",
    "a/b",
    "a\r\nb: c",
    "x" * 128,
    "x" * 129,
    "9" * 30,
    "-1",
    "1e308",
    "0x10",
    "١٢٣",
)

NUMBERS: tuple[int | float, ...] = (
    0,
    -0.0,
    1,
    -1,
    0.1,
    1e-320,
    5e-324,
    1e15,
    1e308,
    -1e308,
    1.5,
    2**31,
    -(2**31) - 1,
    2**53 - 1,
    2**53,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    2**64,
    10**40,
    -(10**400),
    10**400,
    10**3000,
    float("inf"),
    float("nan"),
)

TIMES = (
    "2026-11-21T12:00:00Z",
    "2026-11-21T12:00:00.123456789Z",
    "2099-01-01T00:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.9996Z",
    "9999-12-31T23:59:59-23:59",
    "10000-01-01T00:00:00Z",
    "+292278994-08-17T07:12:55.807Z",
    "2026-02-30T00:00:00Z",
    "2026-06-30T23:59:60Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21",
    "2026-11-21T12:00:00",
    "2026-11-21T12:00:00+99:99",
    "20261121T120000Z",
    "2038-01-19T03:14:08Z",
    "yesterday",
)

_FITTING = ("Hello", "a word", "still here", "مرحبا", "👍", "e\u0301", "@reader1 look", "x" * 128, "1", "a\nb", "100%")
"""Texts that are allowed wherever a text may stand."""

_LARGEST_TEXT = 60_000


class Values:
    """Draws values."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def text(self) -> str:
        kind = self.random.random()
        if kind < 0.6:
            return self.random.choice(TEXTS)
        if kind < 0.995:
            return "".join(self.random.choice(TEXTS) for _ in range(self.random.randrange(1, 4)))[:300]
        unit = self.random.choice(TEXTS) or "a"
        return (unit * (_LARGEST_TEXT // len(unit)))[: self.random.choice((1025, 9_000, _LARGEST_TEXT))]

    def fitting_text(self) -> str:
        return self.random.choice(_FITTING)

    def number(self) -> int | float:
        if self.chance(0.3):
            return self.random.randrange(-5, 200)
        return self.random.choice(NUMBERS)

    def time(self) -> str:
        return self.random.choice(TIMES)

    def json(self, depth: int = 0) -> object:
        """Any JSON value, and what Python's encoder writes that is none."""
        kind = self.random.random()
        if kind < 0.35 or depth > 3:
            return self.text()
        if kind < 0.6:
            return self.number()
        if kind < 0.75:
            return self.random.choice((None, True, False, [], {}))
        if kind < 0.76:
            return self.nested()
        size = self.random.randrange(4)
        if kind < 0.88:
            return [self.json(depth + 1) for _ in range(size)]
        return {self.text()[:50]: self.json(depth + 1) for _ in range(size)}

    def nested(self) -> object:
        """Lists or objects in each other, around the limit of 64 and far beyond."""
        value: object = self.number()
        wrap = self.random.choice((lambda inner: [inner], lambda inner: {"a": inner}))
        for _ in range(self.random.choice((60, 64, 65, 200, 900))):
            value = wrap(value)
        return value

    def broken(self, text: str) -> str:
        """Returns a modified JSON text, which is mostly invalid."""
        position = self.random.randrange(len(text) + 1)
        end = min(len(text), position + self.random.randrange(1, 6))
        match self.random.randrange(6):
            case 0:
                return text[:position]
            case 1:
                return text[:position] + self.random.choice('{}[]",:\\\x00\n\u0301') + text[position:]
            case 2:
                return text[:position] + text[end:]
            case 3:
                return text[:position] + text[position:end] * self.random.randrange(2, 300) + text[end:]
            case 4:
                return text.replace(":", ":" * 2, 1) if self.chance(0.5) else text + text
            case _:
                # A name twice: the first or the last counts, but never both.
                return text[:1] + '"conversationId":"commons","limit":1e999,' + text[1:]

    def quoted(self, text: str) -> str:
        """A text as a part of an address, mostly well written."""
        if self.chance(0.05):
            return self.random.choice(("%", "%zz", "%c3", "%ed%a0%80", "%00", "%2e%2e%2f", "a%20b+c", "\xff"))
        return quote(text, safe="", errors="surrogatepass")


def to_json(value: object) -> str:
    """JSON text in ASCII; lone surrogates are escaped, numbers may be infinite or long."""
    return json.dumps(value)
