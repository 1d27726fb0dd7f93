"""The orientation of a picture: the one value of EXIF that a copy keeps, since the picture would lie on its side."""

from __future__ import annotations

import struct

from talkwire.files.metadata.copying import Broken, unpacked

UPRIGHT = 1
"""Value of the orientation in Exif of a picture that is shown as it is stored."""

_ORIENTATION = 0x0112
_SHORT = 3
_ENTRIES_MAX = 1000


def orientation_of(exif: bytes) -> int:
    """Returns the orientation, 1 to 8, that EXIF data says (a TIFF header and what follows it); 1 if it says none or is
    damaged.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = unpacked(f"{order}I", exif, 4)
        (count,) = unpacked(f"{order}H", exif, directory)
        for index in range(min(count, _ENTRIES_MAX)):
            tag, kind, _, value = unpacked(f"{order}HHIH", exif, directory + 2 + 12 * index)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and value in range(1, 9) else UPRIGHT
    except Broken:
        pass
    return UPRIGHT


def exif_of(orientation: int) -> bytes:
    """Returns EXIF data with nothing but an orientation; none for an upright picture."""
    if orientation == UPRIGHT:
        return b""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)
