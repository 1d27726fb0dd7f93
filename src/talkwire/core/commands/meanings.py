"""What the fields of commands mean and may be, for the API's documents.

These annotations describe and check nothing: each bound is checked once, by the feature that executes the command, and
the constants of that check stand here too. `type` is among the keywords so that it comes before them in the documents.
"""

from __future__ import annotations

from msgspec import Meta


def a_text(meaning: str | None = None, *, longest: int, shortest: int = 0) -> Meta:
    """Describes a text by its meaning and by how many characters it may have."""
    lengths = {"maxLength": longest, "minLength": shortest} if shortest else {"maxLength": longest}
    return Meta(description=meaning, extra_json_schema={"type": "string", **lengths})


def a_pattern(meaning: str, pattern: str) -> Meta:
    """Describes a text by its meaning and by a regular expression."""
    return Meta(description=meaning, extra_json_schema={"type": "string", "pattern": pattern})


def a_number(meaning: str, least: int, most: int) -> Meta:
    """Describes an integer by its meaning and its range."""
    return Meta(description=meaning, extra_json_schema={"type": "integer", "minimum": least, "maximum": most})
