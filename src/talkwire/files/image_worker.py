"""A program that makes one picture safe to show: `python image_worker.py SOURCE PICTURE THUMBNAIL LARGE_THUMBNAIL
PIXELS_MAX`.

It decodes untrusted bytes, so it runs in a process of its own, with limits on memory and processor time, and imports
little of Talkwire. It removes metadata (EXIF, XMP, comments) and all bytes behind the picture's end, and applies the
orientation. Still pictures are encoded again; GIF, WebP and animated PNG are copied without loss, block by block,
without the blocks that are not part of the picture.

Prints one line of JSON: `{"content_type", "width", "height", "animated"}`; `{"problem": "unreadable"}` for
bytes that are not a picture in one of these formats; `{"problem": "pixels", "width", "height"}` for one with too many
pixels. PICTURE is then a copy of the file without metadata, which was made without decoding it;
`{"problem": "metadata"}` says that the file is too damaged for that.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile, ImageOps, JpegImagePlugin, UnidentifiedImageError

from talkwire.files.metadata.copying import Broken, CopiedPicture
from talkwire.files.metadata.removal import kind_of, without_metadata
from talkwire.files.thumbnails import save_thumbnails

IMAGE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
CONTENT_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with more pictures behind it; the first is kept
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}

ANIMATION_PIXELS_MAX = 1_000_000_000
"""Most pixels of all frames of an animation together."""

IMAGE_MEMORY_MAX_BYTES = 2 * 1024**3
"""Most memory of the program beside the file itself, in bytes."""

IMAGE_PROCESSOR_MAX_S = 60
"""Longest processor time of the program, in seconds."""

PICTURE_HEAD_BYTES = 4096
"""Number of bytes at a file's beginning by which its format is recognized."""

_ORIENTATION = 0x0112
_KEPT_INFO = ("transparency", "icc_profile", "gamma")


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
    with _decoded(source, picture, pixels_max) as image:
        content_type = CONTENT_TYPES[str(image.format)]
        turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
        animated = content_type != "image/jpeg" and getattr(image, "is_animated", False)
        copied = _copied(source, picture, content_type, animated=animated, turned=turned)
        if copied is not None and copied.frames * image.width * image.height > ANIMATION_PIXELS_MAX:
            raise TooManyPixels(image.width, image.height * copied.frames)
        upright = ImageOps.exif_transpose(image) if turned else image
        upright.info = {name: image.info[name] for name in _KEPT_INFO if name in image.info}
        if copied is None:
            upright.save(picture, **_encoding(image, content_type))
        width, height = upright.size
        save_thumbnails(upright, thumbnail, large)
    return {"content_type": content_type, "width": width, "height": height, "animated": animated}


@contextlib.contextmanager
def _decoded(source: Path, picture: Path, pixels_max: int) -> Iterator[Image.Image]:
    """A context manager that provides a picture with its pixels, those of its first frame, as far as the file has them:
    browsers show JPEG and GIF that are cut off. Uses `picture` for a copy of such a JPEG. Raises TooManyPixels.
    """
    with contextlib.ExitStack() as files:
        image = files.enter_context(Image.open(source, formats=IMAGE_FORMATS))
        if image.width * image.height > pixels_max:
            raise TooManyPixels(image.width, image.height)
        ImageFile.LOAD_TRUNCATED_IMAGES = image.format == "GIF"
        try:
            image.load()
        except OSError:
            if not isinstance(image, JpegImagePlugin.JpegImageFile):
                raise
            without_metadata(source, "jpeg", picture)  # the copy has an end, so the decoder returns what it has
            image = files.enter_context(Image.open(picture, formats=IMAGE_FORMATS))
            image.load()
        yield image


def _copied(source: Path, picture: Path, content_type: str, *, animated: bool, turned: bool) -> CopiedPicture | None:
    """Writes a lossless copy of the picture without metadata. Raises Broken.

    Returns None if the picture must be encoded again: a still JPEG, PNG or AVIF, or a still WebP with `turned`, which
    means that it is shown in another orientation than it is stored in.
    """
    match content_type:
        case "image/gif":
            return without_metadata(source, "gif", picture)
        case "image/webp" if animated or not turned:
            copied = without_metadata(source, "webp", picture)
        case "image/png" if animated:
            copied = without_metadata(source, "png", picture)
        case "image/avif" if animated:
            raise Broken("animated AVIF is not supported")
        case _:
            return None
    if not copied.complete:
        raise Broken("the file is truncated")
    return copied


def _encoding(image: Image.Image, content_type: str) -> dict[str, Any]:
    """Returns Pillow's options to encode a still picture in its own format: a JPEG with the quality of `image`."""
    match content_type:
        case "image/jpeg":
            assert isinstance(image, JpegImagePlugin.JpegImageFile)
            sampling = JpegImagePlugin.get_sampling(image)
            profile = image.info.get("icc_profile")  # only JPEG's encoder does not find it by itself
            tables = {"qtables": image.quantization, "subsampling": sampling}
            return {"format": "JPEG", **tables, "optimize": True, "icc_profile": profile}
        case "image/png":
            return {"format": "PNG", "compress_level": 4}
        case "image/webp":
            return {"format": "WEBP", "quality": 90}
        case _:
            return {"format": "AVIF", "quality": 80, "speed": 9}


# --- the program ----------------------------------------------------------------------------------------------------


def answer(source: Path, picture: Path, thumbnail: Path, large: Path, pixels_max: int) -> dict[str, object]:
    """Returns what the program prints as JSON: the result of `prepare`, or as `problem` why there is no picture:
    `pixels` with the picture's size, `unreadable` with a reason, or `metadata`."""
    problem: dict[str, object]
    try:
        return prepare(source, picture, thumbnail, large, pixels_max)
    except TooManyPixels as error:
        problem = {"problem": "pixels", "width": error.width, "height": error.height}
    except (Broken, UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        # Pillow raises these for bytes that are not a picture. Any other exception is a defect of this program.
        problem = {"problem": "unreadable", "reason": str(error)}
    try:
        _copy_as_file(source, picture)
    except Broken as error:
        return {"problem": "metadata", "reason": str(error)}
    return problem


def _copy_as_file(source: Path, picture: Path) -> None:
    """Writes a copy of the file without metadata, and without decoding it. Raises Broken."""
    with source.open("rb") as file:
        kind = kind_of(file.read(PICTURE_HEAD_BYTES))
    if kind is None:
        shutil.copyfile(source, picture)
    else:
        without_metadata(source, kind, picture)


def main(arguments: list[str]) -> None:
    os.nice(10)  # the chat has priority over pictures
    source, picture, thumbnail, large = map(Path, arguments[:4])
    memory = IMAGE_MEMORY_MAX_BYTES + source.stat().st_size  # the file itself is mapped
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (IMAGE_PROCESSOR_MAX_S, IMAGE_PROCESSOR_MAX_S))
    sys.stdout.write(json.dumps(answer(source, picture, thumbnail, large, int(arguments[4]))))


if __name__ == "__main__":
    main(sys.argv[1:])
