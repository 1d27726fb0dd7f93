"""A program that makes one picture safe to show: `python image_worker.py SOURCE PICTURE THUMBNAIL LARGE_THUMBNAIL
PIXELS_MAX`.

It decodes untrusted bytes, so it runs in a process of its own, with limits on memory and processor time, and imports
nothing of Talkwire. It removes metadata (EXIF, XMP, comments) and all bytes behind the picture's end, and applies the
orientation. Still pictures are encoded again; GIF, WebP and animated PNG are copied without loss, block by block,
without the blocks that are not part of the picture.

Prints one line of JSON: `{"content_type", "width", "height", "animated"}`; `{"problem": "unreadable"}` for
bytes that are not a picture in one of these formats; `{"problem": "pixels", "width", "height"}` for one with too many
pixels.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
CONTENT_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with more pictures behind it; the first is kept
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
THUMBNAIL_SIDE = 640
"""Twice the 320 pixels that clients give a picture, for screens with two pixels in each direction."""

LARGE_THUMBNAIL_SIDE = 1280
"""For screens that draw a picture with more pixels: wide ones in a mosaic, and phones with three pixels in each
direction.
"""

ANIMATION_PIXELS_MAX = 1_000_000_000
"""Pixels of all frames together, at most."""

MEMORY_MAX_BYTES = 2 * 1024**3
PROCESSOR_MAX_S = 60

_ORIENTATION = 0x0112
_KEPT_INFO = ("transparency", "icc_profile", "gamma")
_PNG_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs".split(b" "))
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_EXIF_AND_XMP = 0x0C
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


class Broken(Exception):
    """The picture is invalid: its bytes start like a known format, but do not follow that format."""


class TooManyPixels(Exception):
    """The picture has more pixels (width times height, times frames) than allowed."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width} x {height}")
        self.width = width
        self.height = height


def prepare(source: Path, picture: Path, thumbnail: Path, large: Path, pixels_max: int) -> dict[str, object]:
    """Writes to `picture` a copy of `source` that is safe to show, and its thumbnail (WebP) to `thumbnail`; if the
    picture is larger than that thumbnail, also a larger one to `large`.

    Returns the copy's `content_type`, `width`, `height` and whether it is `animated`. Raises Broken, TooManyPixels (one
    frame has more than `pixels_max`, or all together more than ANIMATION_PIXELS_MAX), and whatever Pillow raises.
    """
    Image.MAX_IMAGE_PIXELS = None  # the limit is checked below, before anything is decoded
    with Image.open(source, formats=FORMATS) as image:
        if image.width * image.height > pixels_max:
            raise TooManyPixels(image.width, image.height)
        content_type = CONTENT_TYPES[str(image.format)]
        turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
        animated = content_type != "image/jpeg" and getattr(image, "is_animated", False)
        copied = _copied(source, content_type, image, animated=animated, turned=turned)
        upright = ImageOps.exif_transpose(image)
        upright.info = {name: image.info[name] for name in _KEPT_INFO if name in image.info}
        if copied is None:
            upright.save(picture, **_encoding(image, content_type))
        else:
            picture.write_bytes(copied)
        small = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        if max(upright.size) > THUMBNAIL_SIDE:
            # Screens that ask for it have pixels so small that losses are not visible.
            _save_thumbnail(small, LARGE_THUMBNAIL_SIDE, large, quality=60)
        _save_thumbnail(small, THUMBNAIL_SIDE, thumbnail, quality=75)
    return {"content_type": content_type, "width": upright.width, "height": upright.height, "animated": animated}


def _copied(source: Path, content_type: str, image: Image.Image, *, animated: bool, turned: bool) -> bytes | None:
    """Returns a lossless copy of the picture without metadata. Raises Broken and TooManyPixels.

    Returns None if the picture must be encoded again: a still JPEG, PNG or AVIF, or a still WebP with `turned`, which
    means that it is shown in another orientation than it is stored in.
    """
    data = source.read_bytes()
    match content_type:
        case "image/gif":
            copied, frames = copy_gif(data)
        case "image/webp" if animated or not turned:
            copied, frames = copy_webp(data)
        case "image/png" if animated:
            copied, frames = copy_png(data)
        case "image/avif" if animated:
            raise Broken("animated AVIF is not supported")
        case _:
            return None
    if frames * image.width * image.height > ANIMATION_PIXELS_MAX:
        raise TooManyPixels(image.width, image.height * frames)
    return copied


def _encoding(image: Image.Image, content_type: str) -> dict[str, Any]:
    """Returns Pillow's options to encode a still picture in its own format: a JPEG with the quality of `image`."""
    match content_type:
        case "image/jpeg":
            assert isinstance(image, JpegImagePlugin.JpegImageFile)
            sampling = JpegImagePlugin.get_sampling(image)
            return {"format": "JPEG", "qtables": image.quantization, "subsampling": sampling, "optimize": True}
        case "image/png":
            return {"format": "PNG", "compress_level": 4}
        case "image/webp":
            return {"format": "WEBP", "quality": 90}
        case _:
            return {"format": "AVIF", "quality": 80, "speed": 9}


def _save_thumbnail(image: Image.Image, side: int, path: Path, *, quality: int) -> None:
    """Shrinks `image` itself so that its longer side has at most `side` pixels, and saves it as WebP."""
    image.thumbnail((side, side))
    image.info = {}
    image.save(path, format="WEBP", quality=quality)


# --- copies without loss --------------------------------------------------------------------------------------------


def copy_png(data: bytes) -> tuple[bytes, int]:
    """Returns a PNG without metadata chunks and bytes behind its end, and its number of frames. Raises Broken for
    invalid data (PNG, third edition, section 5.3).
    """
    out = bytearray(data[:8])
    frames, place = 1, 8
    while True:
        length, kind = _unpacked(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            raise Broken("a chunk extends beyond the end of the file")
        if kind in _PNG_KEPT:
            out += data[place:end]
        if kind == b"acTL":
            (frames,) = _unpacked(">I", data, place + 8)
        if kind == b"IEND":
            return bytes(out), max(frames, 1)
        place = end


def copy_webp(data: bytes) -> tuple[bytes, int]:
    """Returns a WebP without metadata chunks and bytes behind its end, and its number of frames. Raises Broken for
    invalid data (RFC 9649, sections 2.3 and 2.7).
    """
    (size,) = _unpacked("<I", data, 4)
    body = bytearray(b"WEBP")
    frames, place, end = 0, 12, min(8 + size, len(data))
    while place + 8 <= end:
        kind, length = _unpacked("<4sI", data, place)
        following = place + 8 + length + length % 2
        if place + 8 + length > len(data):
            raise Broken("a chunk extends beyond the end of the file")
        chunk = bytearray(data[place:following].ljust(following - place, b"\0"))
        if kind == b"VP8X":
            chunk[8] &= ~_WEBP_EXIF_AND_XMP & 0xFF
        if kind in _WEBP_KEPT:
            body += chunk
        frames += kind == b"ANMF"
        place = following
    return b"RIFF" + struct.pack("<I", len(body)) + bytes(body), max(frames, 1)


def copy_gif(data: bytes) -> tuple[bytes, int]:
    """Returns a GIF without comments, other metadata and bytes behind its end, and its number of frames. Raises Broken
    for invalid data (GIF89a, sections 17 to 27).
    """
    (flags,) = _unpacked("B", data, 10)
    place = 13 + _color_table(flags)
    out = bytearray(data[:place])
    frames = 0
    while True:
        (introducer,) = _unpacked("B", data, place)
        match introducer:
            case 0x3B:
                out.append(0x3B)
                return bytes(out), max(frames, 1)
            case 0x2C:
                (flags,) = _unpacked("B", data, place + 9)
                end = _end_of_blocks(data, place + 11 + _color_table(flags))
                frames += 1
                out += data[place:end]
            case 0x21:
                end = _end_of_blocks(data, place + 2)
                if _is_of_the_picture(data, place):
                    out += data[place:end]
            case _:
                raise Broken("unknown block")
        place = end


def _color_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data: bytes, place: int) -> int:
    while True:
        (length,) = _unpacked("B", data, place)
        place += 1 + length
        if not length:
            return place


def _is_of_the_picture(data: bytes, place: int) -> bool:
    """Returns whether the GIF extension block at index `place` controls how frames are shown or repeated. Other
    extension blocks, such as comments, are metadata.
    """
    label = data[place + 1]
    return label == 0xF9 or (label == 0xFF and data[place + 3 : place + 14] in _GIF_LOOPS)


def _unpacked(form: str, data: bytes, place: int) -> tuple[Any, ...]:
    try:
        return struct.unpack_from(form, data, place)
    except struct.error:
        raise Broken("the file is truncated") from None


# --- the program ----------------------------------------------------------------------------------------------------


def answer(source: Path, picture: Path, thumbnail: Path, large: Path, pixels_max: int) -> dict[str, object]:
    """Returns what the program prints as JSON: the result of `prepare`, or as `problem` why there is no safe copy:
    `pixels` with the picture's size, or `unreadable` with a reason."""
    try:
        return prepare(source, picture, thumbnail, large, pixels_max)
    except TooManyPixels as error:
        return {"problem": "pixels", "width": error.width, "height": error.height}
    except (Broken, UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        # Pillow raises these for bytes that are not a picture. Any other exception is a defect of this program.
        return {"problem": "unreadable", "reason": str(error)}


def main(arguments: list[str]) -> None:
    os.nice(10)  # the chat has priority over pictures
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_MAX_S, PROCESSOR_MAX_S))
    source, picture, thumbnail, large = map(Path, arguments[:4])
    sys.stdout.write(json.dumps(answer(source, picture, thumbnail, large, int(arguments[4]))))


if __name__ == "__main__":
    main(sys.argv[1:])
