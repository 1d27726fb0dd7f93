"""Checks and display of the geographic places that messages contain."""

from __future__ import annotations

import math

from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import Place
from talkwire.core.domain.texts import check_short_text

PLACE_NAME_MAX_LENGTH = 200
"""Longest name of a place, in characters."""


def check_place(path: str, place: Place) -> None:
    """Raises `invalid_request` for coordinates out of range and for a name or address that is empty or too long. `path`
    is the place's field in the request, to name in the error."""
    _check_degrees(f"{path}.latitude", place.latitude, 90)
    _check_degrees(f"{path}.longitude", place.longitude, 180)
    if place.name is not None:
        check_short_text(f"{path}.name", place.name, PLACE_NAME_MAX_LENGTH)
    if place.address is not None:
        check_short_text(f"{path}.address", place.address, PLACE_NAME_MAX_LENGTH)


def _check_degrees(path: str, degrees: float, limit: int) -> None:
    if not (math.isfinite(degrees) and -limit <= degrees <= limit):
        raise invalid(path, f"must be between -{limit} and {limit}")


def label_of_place(place: Place) -> str:
    """Returns a place as one line of text: name and address, or the coordinates if there is neither."""
    words = ", ".join(text for text in (place.name, place.address) if text is not None)
    return " ".join(words.split()) or f"{_decimal(place.latitude)}, {_decimal(place.longitude)}"


def map_url(place: Place) -> str:
    """Returns the URL of an OpenStreetMap page that shows the place. The server does not request it."""
    latitude, longitude = _decimal(place.latitude), _decimal(place.longitude)
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"


def _decimal(degrees: float) -> str:
    """Returns degrees rounded to six decimals (a tenth of a metre), without an exponent or trailing zeros."""
    return f"{round(degrees, 6) + 0.0:.6f}".rstrip("0").rstrip(".")
