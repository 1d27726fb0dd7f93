"""Recognizes the formats whose metadata is removed, and removes it from files that are not decoded."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Literal

from talkwire.files.metadata import gif, heif, jpeg, png, tiff, webp
from talkwire.files.metadata.copying import Broken, CopiedPicture, Copy

Kind = Literal["jpeg", "png", "gif", "webp", "tiff", "heif"]

_COPIERS = {
    "jpeg": jpeg.copy_jpeg,
    "png": png.copy_png,
    "gif": gif.copy_gif,
    "webp": webp.copy_webp,
    "tiff": tiff.copy_tiff,
    "heif": heif.copy_heif,
}
_BEGINNINGS = re.compile(
    rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF.{4}WEBP)"
    rb"|(?!.{8}CR)(?P<tiff>II[*+]\0|MM\0[*+])|(?P<heif>.{4}ftyp)",
    re.DOTALL,
)
_BRANDS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1 miaf avif avis avio".split(b" "))
"""Brands of HEIF files: pictures, and rows of pictures."""


def kind_of(head: bytes) -> Kind | None:
    """Returns the format of a picture whose metadata can be removed, by its first bytes; None for other files, also raw
    pictures of cameras.
    """
    found = _BEGINNINGS.match(head)
    if found is None or (found["heif"] and _BRANDS.isdisjoint(_brands(head))):
        return None
    return found.lastgroup  # type: ignore[return-value] # the groups have the names of the kinds


def without_metadata(source: Path, kind: Kind, target: Path) -> CopiedPicture:
    """Writes to `target` a copy of the picture `source` without its metadata, and without bytes behind its end.

    Decodes nothing; works in time that is linear in the file's length, and in little memory. Keeps the orientation, ICC
    profiles, and what else is needed to draw the picture. A text that only begins like a picture is copied as it is.
    Raises Broken if the file is so damaged that its metadata cannot be found with certainty.
    """
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            with target.open("wb") as out:
                copy = Copy(data, out)
                copied = _COPIERS[kind](data, copy)
                copy.finish()
                return copied
        except Broken:
            if data.find(b"\0") >= 0:
                raise  # each picture has zeros, and no text has
        with target.open("wb") as out:
            copy = Copy(data, out)
            copy.keep(0, len(data))
            copy.finish()
            return CopiedPicture(complete=False)


def _brands(head: bytes) -> set[bytes]:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[place : place + 4] for place in range(16, end, 4))}
