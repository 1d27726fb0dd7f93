"""Ids that clients read as numbers where they are numerals, and as texts otherwise.

Only a canonical numeral becomes a number, so that the number says the same text again, and only one that JavaScript
does not round: clients there would send back the id of something else.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

SAFE_MAX = 2**53 - 1
"""The largest integer that JavaScript tells from its neighbours."""

NumeralId = Annotated[int, msgspec.Meta(ge=0, le=SAFE_MAX)] | str
"""An id as it is sent and taken: a safe integer, or a text."""

# A larger one has more digits, or is compared.
_NUMERAL = re.compile(r"0|[1-9][0-9]{0,15}")


def numeral(text: str) -> NumeralId:
    """An id as such clients are told of it."""
    if _NUMERAL.fullmatch(text) is None:
        return text
    number = int(text)
    return number if number <= SAFE_MAX else text


def text_of(id_: NumeralId) -> str:
    """An id as the chat knows it."""
    return str(id_)
