"""Which conversations a filter on a key of their metadata finds: those whose value of the key has the same text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

METADATA_KEYS_MAX = 10
"""Most keys of conversations' metadata by which lists can be filtered."""

METADATA_KEY_MAX_LENGTH = 128
"""Longest key of metadata by which lists can be filtered, in characters."""

VALUE_MAX_LENGTH = 128
"""Longest value of metadata by which lists can be filtered, in characters."""

_encode = msgspec.json.Encoder().encode


class KeyedText(NamedTuple):
    """A top-level key of a conversation's metadata, and the text of its value."""

    key: str
    text: str


def text_of(value: object) -> str | None:
    """Returns the text by which a filter finds a value: a text itself, and of a number or boolean its JSON. Returns
    None for a value that no filter finds: null, a list, an object, or a text of more than VALUE_MAX_LENGTH (128)
    characters."""
    text = value if isinstance(value, str) else _encode(value).decode() if isinstance(value, int | float) else None
    return text if text is not None and len(text) <= VALUE_MAX_LENGTH else None


def texts_of(metadata: Mapping[str, object] | None, keys: Iterable[str]) -> set[KeyedText]:
    """Returns the texts by which filters on these keys find a conversation with this metadata."""
    texts = {key: text_of((metadata or {}).get(key)) for key in keys}
    return {KeyedText(key, text) for key, text in texts.items() if text is not None}
