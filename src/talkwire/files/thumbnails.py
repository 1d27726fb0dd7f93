"""Makes the thumbnails of a decoded picture: WebP in sRGB, with 8 bits, without metadata."""

from __future__ import annotations

import contextlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageMath

THUMBNAIL_SIDE = 640
"""Longest side of a thumbnail, in pixels: twice the 320 pixels that clients give a picture, for screens with two pixels
in each direction."""

LARGE_THUMBNAIL_SIDE = 1280
"""Longest side of a large thumbnail, in pixels, for screens that draw a picture with more pixels: wide ones in a
mosaic, and phones with three pixels in each direction."""

PROFILE_MAX_BYTES = 4 * 1024**2
"""Largest colour profile, in bytes: those of printers have up to three million."""

_MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
"""Modes of the pictures that an ICC profile is for, by the colour space of the profile."""


def save_thumbnails(picture: Image.Image, thumbnail: Path, large: Path) -> None:
    """Writes to `thumbnail` a thumbnail of the picture, and to `large` a larger one if the picture is larger than the
    first. Shrinks `picture` itself where that saves a copy.
    """
    small = _with_eight_bits(picture)
    is_large = max(picture.size) > THUMBNAIL_SIDE
    profile, is_grey = picture.info.get("icc_profile"), picture.mode in {"1", "L", "LA", "I;16", "I;16B"}
    if is_large:
        small.thumbnail((LARGE_THUMBNAIL_SIDE, LARGE_THUMBNAIL_SIDE))
    small = _in_srgb(small, profile, is_grey=is_grey)
    if is_large:
        # Screens that ask for it have pixels so small that losses are not visible.
        _save(small, large, quality=60)
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    _save(small, thumbnail, quality=75)


def _save(image: Image.Image, path: Path, *, quality: int) -> None:
    image.info = {}
    image.save(path, format="WEBP", quality=quality)


def _with_eight_bits(picture: Image.Image) -> Image.Image:
    """Returns a picture in RGB, RGBA or CMYK: grey with 16 bits is scaled, where Pillow would clip it."""
    if not picture.mode.startswith("I;16"):
        mode = "RGBA" if picture.has_transparency_data else "CMYK" if picture.mode == "CMYK" else "RGB"
        return picture if picture.mode == mode else picture.convert(mode)
    grey = picture.convert("I")
    shown = grey.point(lambda value: value * (1 / 257) + 0.5).convert("L").convert("RGB")
    transparent = picture.info.get("transparency")
    if transparent is not None:
        is_opaque = ImageMath.lambda_eval(lambda named: (named["grey"] != transparent) * 255, grey=grey)
        shown.putalpha(is_opaque.convert("L"))
    return shown


def _in_srgb(image: Image.Image, profile: bytes | None, *, is_grey: bool) -> Image.Image:
    """Returns the picture in RGB or RGBA, with the colours that `profile` gives its values. Ignores a profile that is
    damaged, too large, or for pictures of another kind, as browsers do.
    """
    if profile and len(profile) <= PROFILE_MAX_BYTES:
        from PIL import ImageCms  # noqa: PLC0415 (most pictures need no library for colours)

        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            mode = "L" if is_grey else image.mode.removesuffix("A")
            if _MODES.get(source.profile.xcolor_space) == mode:
                inks = image.getchannel(0) if is_grey else image if image.mode == mode else image.convert(mode)
                srgb = ImageCms.createProfile("sRGB")
                shown = ImageCms.profileToProfile(inks, source, srgb, outputMode="RGB")
                assert shown is not None
                if image.mode == "RGBA":
                    shown.putalpha(image.getchannel("A"))
                return shown
    return image.convert("RGB") if image.mode == "CMYK" else image
