"""Pictures to upload, made on the spot."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, PngImagePlugin

SECRET = "Nobody's business"
"""The text in every place where a picture can hold metadata."""


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401 (Pillow's)
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def flag(width: int = 60, height: int = 40) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, width // 2, height))
    return image


def noise(width: int = 300, height: int = 200) -> Image.Image:
    """A picture whose pixels need many bytes, as those of a photo do."""
    ramp = Image.linear_gradient("L").resize((width, height))
    noise = Image.frombytes("L", (width, height), random.Random(7).randbytes(width * height))
    return Image.merge("RGB", [ramp, ramp.rotate(180), noise.point(lambda value: 80 + value // 3)])


def exif(orientation: int = 1) -> Image.Exif:
    metadata = Image.Exif()
    metadata[0x0112] = orientation
    metadata[0x010E] = SECRET
    metadata.get_ifd(0x8825)[1] = SECRET  # in the place of GPS data
    return metadata


def jpeg(width: int = 60, height: int = 40, orientation: int = 1) -> bytes:
    return encoded(flag(width, height), "JPEG", exif=exif(orientation), comment=SECRET.encode(), quality=95)


def png() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", SECRET)
    return encoded(flag(), "PNG", pnginfo=texts, exif=exif())


def webp(orientation: int = 1) -> bytes:
    return encoded(flag(), "WEBP", exif=exif(orientation), xmp=SECRET.encode(), lossless=True)


def avif() -> bytes:
    return encoded(flag(), "AVIF", exif=exif(), xmp=SECRET.encode())


def animation(kind: str, frames: int = 3) -> bytes:
    further = [flag().rotate(90 * number) for number in range(1, frames)]
    options: dict[str, Any] = {"comment": SECRET.encode()} if kind == "GIF" else {"exif": exif()}
    return encoded(flag(), kind, save_all=True, append_images=further, duration=120, loop=0, **options)


def png_of_size(width: int, height: int) -> bytes:
    """A correct header, with next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


HTML = b"<!doctype html><script>alert(document.domain)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(document.domain)</script></svg>'
