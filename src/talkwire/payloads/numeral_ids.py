"""Ids in payloads of the `crm` dialect: JSON numbers if the id is a canonical decimal number, strings otherwise.

Only a canonical number is converted, so that the number converts back to the same id. Numbers that JavaScript would
round stay strings, since a client would otherwise send back another id.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

SAFE_MAX = 2**53 - 1
"""Largest integer that JavaScript represents exactly (`Number.MAX_SAFE_INTEGER`)."""

NumeralId = Annotated[int, msgspec.Meta(ge=0, le=SAFE_MAX)] | str
"""Id in a payload: an integer up to `SAFE_MAX`, or a string."""

# Matches up to 16 digits; `numeral` compares the value with `SAFE_MAX`.
_NUMERAL = re.compile(r"0|[1-9][0-9]{0,15}")


def numeral(text: str) -> NumeralId:
    """Returns an id of the chat as clients of the `crm` dialect receive it: an integer if it is a canonical decimal
    number of at most `SAFE_MAX` (2**53 - 1), otherwise the same string."""
    if _NUMERAL.fullmatch(text) is None:
        return text
    number = int(text)
    return number if number <= SAFE_MAX else text


def text_of(id_: NumeralId) -> str:
    """Returns the chat's id, a string, for an id that a client of the `crm` dialect sent as a number or a string."""
    return str(id_)
