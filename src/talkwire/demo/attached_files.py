"""The demo's pictures and documents, from the folder `attached`. They were made for it, so no one else has rights to
them."""

from __future__ import annotations

from importlib.resources import files

from talkwire.demo.script import Attached, Person

_FOLDER = files("talkwire.demo") / "attached"


def portrait_name(person: Person) -> str:
    """Returns the file name of a demo person's picture."""
    return f"{person.id}.webp"


def portrait(person: Person) -> Attached:
    """Returns a person's picture as a file to attach. Raises FileNotFoundError for a person of another story."""
    webp = _content(portrait_name(person))
    return Attached(portrait_name(person), "image/webp", webp, 192, 192, webp)


def dusk() -> Attached:
    """Returns a picture of hills at dusk as a file to attach."""
    thumbnail = _content("heron-launch-small.webp")
    return Attached("heron-launch.webp", "image/webp", _content("heron-launch.webp"), 960, 450, thumbnail)


def price_list() -> Attached:
    """Returns a PDF file of one page as a file to attach."""
    return Attached("price-list.pdf", "application/pdf", _content("price-list.pdf"))


def visits() -> Attached:
    """Returns a CSV file with a table of visits as a file to attach."""
    return Attached("visits.csv", "text/csv", _content("visits.csv"))


def _content(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
