"""Colour profiles made by hand: ICC.1:2001-04, version 2.4."""

from __future__ import annotations

import struct
from io import BytesIO

from PIL import Image, ImageCms

Colorant = tuple[float, float, float]
_D50 = (0.9642, 1.0, 0.8249)


def _numbers(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _profile(space: bytes, pcs: bytes, kind: bytes, more: dict[bytes, bytes]) -> bytes:
    description = b"desc" + struct.pack(">II", 0, 6) + b"field\0" + bytes(78)
    tags = {b"desc": description, b"wtpt": b"XYZ " + bytes(4) + _numbers(*_D50), b"cprt": b"text" + bytes(8), **more}
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s28x", 128 + len(table) + len(data), 0x02400000, kind, space, pcs, b"acsp")
    return (head + _numbers(*_D50)).ljust(128, b"\0") + table + data


def _curve(gamma: float) -> bytes:
    return b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + bytes(2)


def _rgb(gamma: float, red: Colorant, green: Colorant, blue: Colorant) -> bytes:
    colorants = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
    tags = {name: b"XYZ " + bytes(4) + _numbers(*values) for name, values in colorants.items()}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))
    return _profile(b"RGB ", b"XYZ ", b"mntr", tags)


def _printer() -> bytes:
    """Returns a profile with a table from 2 x 2 x 2 x 2 amounts of inks to Lab."""
    corners = b""
    for number in range(16):
        cyan, magenta, yellow, black = (number >> bit & 1 for bit in (3, 2, 1, 0))
        lightness = max(0, 255 - 60 * cyan - 80 * magenta - 20 * yellow - 200 * black)
        corners += bytes((lightness, 128 - 30 * cyan + 60 * magenta, 128 - 40 * cyan + 70 * yellow))
    identity = bytes(range(256))
    table = b"mft1" + struct.pack(">4xBBBx", 4, 3, 2) + _numbers(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return _profile(b"CMYK", b"Lab ", b"prtr", {b"A2B0": table + identity * 4 + corners + identity * 3})


RGB = {
    "Display P3": _rgb(2.2, (0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841)),
    "Adobe RGB": _rgb(2.2, (0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    "ProPhoto": _rgb(1.8, (0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249)),
}
GREY = _profile(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": _curve(1.0)})
CMYK = _printer()


def in_srgb(image: Image.Image, profile: bytes) -> tuple[int, ...]:
    """Returns the colour of a picture of one colour, in sRGB."""
    source, srgb = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    assert converted is not None
    pixel = converted.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel
