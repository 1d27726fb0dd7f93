"""What the program makes of pictures, good and bad."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat
from PIL.PngImagePlugin import PngInfo

from talkwire.files.image_worker import answer
from talkwire.files.thumbnails import PROFILE_MAX_BYTES
from tests.files import pictures, profiles
from tests.files.pictures import HTML, SECRET, decoded

PIXELS_MAX = 1_000_000


class Prepared:
    """What has become of some bytes."""

    def __init__(self, folder: Path, data: bytes, pixels_max: int = PIXELS_MAX) -> None:
        source = folder / "source"
        source.write_bytes(data)
        self.picture_path, self.thumbnail_path, self.large_path = (
            folder / name for name in ("picture", "thumbnail", "large")
        )
        paths = (self.picture_path, self.thumbnail_path, self.large_path)
        self.answer: dict[str, Any] = answer(source, *paths, pixels_max)

    @property
    def picture(self) -> bytes:
        return self.picture_path.read_bytes()

    @property
    def thumbnail(self) -> bytes:
        return self.thumbnail_path.read_bytes()


def is_red(image: Image.Image, x: int, y: int) -> bool:
    pixel = image.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel[0] > 200 and pixel[2] < 60


def difference(image: Image.Image, other: Image.Image) -> float:
    """Returns by how much the upper left parts of two pictures differ on average, from 0 to 255."""
    size = (min(image.width, other.width), min(image.height, other.height))
    parts = [each.convert("RGB").crop((0, 0, *size)) for each in (image, other)]
    means = ImageStat.Stat(ImageChops.difference(*parts)).mean
    return sum(means) / len(means)


STILLS = {
    "image/jpeg": pictures.jpeg(),
    "image/png": pictures.png(),
    "image/webp": pictures.webp(),
    "image/avif": pictures.avif(),
}
ANIMATIONS = {
    "image/gif": pictures.animation("GIF"),
    "image/png": pictures.animation("PNG"),
    "image/webp": pictures.animation("WEBP"),
}


@pytest.mark.parametrize("content_type", STILLS)
def test_metadata_is_removed_from_pictures(tmp_path: Path, content_type: str) -> None:
    assert SECRET.encode() in STILLS[content_type]
    done = Prepared(tmp_path, STILLS[content_type])
    assert done.answer == {"content_type": content_type, "width": 60, "height": 40, "animated": False}
    image = decoded(done.picture)
    assert image.size == (60, 40)
    assert not image.getexif()
    assert SECRET.encode() not in done.picture + done.thumbnail
    assert is_red(image, 5, 20)
    assert not is_red(image, 55, 20)


@pytest.mark.parametrize("picture", [pictures.webp(), ANIMATIONS["image/webp"]])
def test_a_copied_webp_does_not_announce_what_is_gone(tmp_path: Path, picture: bytes) -> None:
    header = Prepared(tmp_path, picture).picture[12:21]
    assert header[:4] == b"VP8X"
    assert header[8] & 0x0C == 0


@pytest.mark.parametrize("picture", [pictures.jpeg(orientation=6), pictures.webp(orientation=6)], ids=["jpeg", "webp"])
def test_a_picture_is_upright_without_orientation_metadata(tmp_path: Path, picture: bytes) -> None:
    done = Prepared(tmp_path, picture)
    assert (done.answer["width"], done.answer["height"]) == (40, 60)
    for image in (decoded(done.picture), decoded(done.thumbnail)):
        assert image.size == (40, 60)
        assert not image.getexif()
        assert is_red(image, 20, 5)
        assert not is_red(image, 20, 55)


@pytest.mark.parametrize("content_type", ANIMATIONS)
def test_animations_keep_their_frames_and_lose_metadata(tmp_path: Path, content_type: str) -> None:
    assert SECRET.encode() in ANIMATIONS[content_type]
    done = Prepared(tmp_path, ANIMATIONS[content_type])
    assert done.answer == {"content_type": content_type, "width": 60, "height": 40, "animated": True}
    before, after = Image.open(BytesIO(ANIMATIONS[content_type])), Image.open(BytesIO(done.picture))
    assert getattr(after, "n_frames", 1) == 3
    for frame in range(3):
        before.seek(frame)
        after.seek(frame)
        assert after.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()
        assert after.info["duration"] == before.info["duration"]
    assert after.info.get("loop") == before.info.get("loop") == 0
    assert SECRET.encode() not in done.picture
    assert not getattr(decoded(done.thumbnail), "is_animated", False)


@pytest.mark.parametrize("picture", [*STILLS.values(), *ANIMATIONS.values()])
def test_bytes_behind_a_pictures_end_are_removed(tmp_path: Path, picture: bytes) -> None:
    done = Prepared(tmp_path, picture + HTML)
    assert "problem" not in done.answer
    assert b"script" not in done.picture + done.thumbnail


def test_html_in_a_png_is_gone(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("Title", HTML.decode())
    done = Prepared(tmp_path, pictures.encoded(pictures.flag(), "PNG", pnginfo=info))
    assert b"script" not in done.picture


def test_a_large_picture_gets_thumbnails_of_two_sizes(tmp_path: Path) -> None:
    done = Prepared(tmp_path, pictures.jpeg(1300, 650))
    assert decoded(done.picture).size == (1300, 650)
    small, large = decoded(done.thumbnail), decoded(done.large_path.read_bytes())
    assert (small.format, small.size) == ("WEBP", (640, 320))
    assert (large.format, large.size) == ("WEBP", (1280, 640))
    assert SECRET.encode() not in done.large_path.read_bytes()


@pytest.mark.parametrize(("width", "size"), [(640, None), (641, (641, 300))])
def test_no_thumbnail_is_larger_than_its_picture(tmp_path: Path, width: int, size: tuple[int, int] | None) -> None:
    done = Prepared(tmp_path, pictures.jpeg(width, 300))
    assert done.large_path.exists() == (size is not None)
    assert size is None or decoded(done.large_path.read_bytes()).size == size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_a_picture_of_any_mode_stays_what_it_is(tmp_path: Path, mode: str) -> None:
    image = pictures.flag().convert("L").convert(mode) if mode == "I;16" else pictures.flag().convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    done = Prepared(tmp_path, pictures.encoded(image, kind))
    kept = decoded(done.picture)
    assert kept.mode == mode
    if kind == "PNG":
        assert kept.tobytes() == image.tobytes()


@pytest.mark.parametrize("width", [256, 900])
@pytest.mark.parametrize("transparent", [False, True])
def test_thumbnails_of_grey_with_16_bits_show_the_picture(tmp_path: Path, *, width: int, transparent: bool) -> None:
    line = b"".join(struct.pack("<H", x * 65535 // (width - 1)) for x in range(width))
    options = {"transparency": 0} if transparent else {}
    done = Prepared(tmp_path, pictures.encoded(Image.frombytes("I;16", (width, 40), line * 40), "PNG", **options))
    shown = decoded(done.thumbnail).convert("RGBA")
    found = [shown.getpixel((shown.width * part // 8, 10)) for part in (1, 4, 7)]
    for pixel, value in zip(found, (32, 128, 223), strict=True):
        assert pixel == pytest.approx((value, value, value, 255), abs=4)
    corner = shown.getpixel((0, 10))
    assert isinstance(corner, tuple)
    assert (corner[3] < 255) == transparent


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("space", profiles.RGB)
def test_thumbnails_have_the_colours_of_the_profile(tmp_path: Path, kind: str, space: str) -> None:
    for number, colour in enumerate([(60, 220, 60), (150, 120, 95), (160, 60, 50), (255, 255, 255), (20, 20, 20)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        image = Image.new("RGB", (700, 30), colour)
        profile = profiles.RGB[space]
        done = Prepared(folder, pictures.encoded(image, kind, icc_profile=profile, quality=100, lossless=True))
        wanted = profiles.in_srgb(image, profile)
        for path in (done.thumbnail_path, done.large_path):
            thumbnail = decoded(path.read_bytes())
            assert thumbnail.convert("RGB").getpixel((300, 10)) == pytest.approx(wanted, abs=3)
            assert "icc_profile" not in thumbnail.info
        assert decoded(done.picture).info["icc_profile"] == profile


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("LA", "PNG"), ("I;16", "PNG"), ("1", "PNG")])
def test_thumbnails_have_the_values_of_a_grey_profile(tmp_path: Path, mode: str, kind: str) -> None:
    grey = Image.new("L", (60, 40), 255 if mode == "1" else 128)
    image = grey.convert("I").point(lambda value: value * 257).convert(mode) if mode == "I;16" else grey.convert(mode)
    done = Prepared(tmp_path, pictures.encoded(image, kind, icc_profile=profiles.GREY))
    value = 255 if mode == "1" else profiles.in_srgb(grey, profiles.GREY)[0]
    assert decoded(done.thumbnail).convert("RGB").getpixel((30, 20)) == pytest.approx((value,) * 3, abs=3)


@pytest.mark.parametrize("inks", [(0, 0, 0, 0), (200, 0, 0, 0), (0, 180, 120, 0), (40, 40, 40, 100)])
def test_a_picture_for_printing_keeps_its_profile_and_its_thumbnail_has_its_colours(
    tmp_path: Path, inks: tuple[int, int, int, int]
) -> None:
    image = Image.new("CMYK", (60, 40), inks)
    done = Prepared(tmp_path, pictures.encoded(image, "JPEG", icc_profile=profiles.CMYK, quality=100))
    wanted = profiles.in_srgb(image, profiles.CMYK)
    assert decoded(done.thumbnail).convert("RGB").getpixel((30, 20)) == pytest.approx(wanted, abs=5)
    assert (decoded(done.picture).mode, decoded(done.picture).info["icc_profile"]) == ("CMYK", profiles.CMYK)


def test_a_thumbnail_with_a_profile_keeps_its_transparency(tmp_path: Path) -> None:
    image = Image.new("RGBA", (60, 40), (60, 220, 60, 100))
    profile = profiles.RGB["Display P3"]
    done = Prepared(tmp_path, pictures.encoded(image, "PNG", icc_profile=profile))
    wanted = (*profiles.in_srgb(image.convert("RGB"), profile), 100)
    assert decoded(done.thumbnail).getpixel((30, 20)) == pytest.approx(wanted, abs=3)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b"no profile"),
        ("RGB", profiles.RGB["ProPhoto"][:200]),
        ("RGB", profiles.RGB["ProPhoto"][:150] + bytes(500)),
        ("RGB", profiles.GREY),
        ("L", profiles.RGB["ProPhoto"]),
        ("CMYK", profiles.RGB["ProPhoto"]),
        ("RGB", profiles.RGB["ProPhoto"] + bytes(PROFILE_MAX_BYTES)),
    ],
    ids=["text", "cut off", "zeros", "grey", "coloured", "of another number of inks", "large"],
)
def test_a_profile_that_cannot_be_used_is_ignored(tmp_path: Path, mode: str, profile: bytes) -> None:
    image = Image.new("RGB", (60, 40), (150, 120, 95)).convert(mode)
    done = Prepared(tmp_path, pictures.encoded(image, "JPEG", icc_profile=profile, quality=95))
    wanted = image.convert("RGB").getpixel((30, 20))
    assert decoded(done.thumbnail).convert("RGB").getpixel((30, 20)) == pytest.approx(wanted, abs=3)


def test_transparency_is_kept(tmp_path: Path) -> None:
    image = Image.new("RGBA", (10, 10), (0, 255, 0, 0))
    done = Prepared(tmp_path, pictures.encoded(image, "PNG"))
    for kept in (decoded(done.picture), decoded(done.thumbnail)):
        assert kept.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index] # of RGBA it is a tuple


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (1, 1_000_001), (2**31 - 1, 2**31 - 1)])
def test_a_picture_with_too_many_pixels_is_not_decoded(tmp_path: Path, width: int, height: int) -> None:
    done = Prepared(tmp_path, pictures.png_of_size(width, height))
    assert done.answer == {"problem": "pixels", "width": width, "height": height}
    assert not done.thumbnail_path.exists()


def test_an_animation_with_too_many_pixels_in_all_is_refused(tmp_path: Path) -> None:
    header = b"GIF89a" + struct.pack("<HHBBB", 1000, 1000, 0x80, 0, 0) + bytes(6)
    one_pixel = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0"
    gif = header + one_pixel * 1001 + b";"
    assert Prepared(tmp_path, gif).answer["problem"] == "pixels"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HTML,
        pictures.SVG,
        b"\x89PNG\r\n\x1a\n" + HTML,
        b"GIF89a" + HTML,
        b"\xff\xd8\xff\xe0" + HTML,
        b"RIFF\x20\0\0\0WEBPVP8 " + HTML,
        pictures.png_of_size(100, 100),
        pictures.animation("AVIF"),
        *(STILLS[kind][: len(STILLS[kind]) * 2 // 3] for kind in ("image/png", "image/webp", "image/avif")),
        *(ANIMATIONS[kind][: len(ANIMATIONS[kind]) * 2 // 3] for kind in ("image/png", "image/webp")),
    ],
)
def test_undecodable_bytes_are_no_picture_and_have_no_metadata(tmp_path: Path, data: bytes) -> None:
    done = Prepared(tmp_path, data)
    assert done.answer["problem"] in {"unreadable", "metadata"}
    assert done.answer["problem"] == "metadata" or SECRET.encode() not in done.picture


CUT: dict[str, Callable[[bytes], bytes]] = {
    "before its last byte": lambda whole: whole[:-1],
    "and ends with a zero": lambda whole: whole[:-1] + b"\0",
    "at its end": lambda whole: whole[:-2],
    "at nine tenths": lambda whole: whole[: len(whole) * 9 // 10],
    "in the middle": lambda whole: whole[: len(whole) // 2],
    "and filled with zeros": lambda whole: whole[: len(whole) * 9 // 10] + bytes(len(whole) // 10),
}


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_is_cut_off_is_a_picture(
    tmp_path: Path, cut: Callable[[bytes], bytes], *, progressive: bool
) -> None:
    whole = pictures.encoded(pictures.noise(), "JPEG", progressive=progressive, exif=pictures.exif(6))
    done = Prepared(tmp_path, cut(whole))
    assert done.answer == {"content_type": "image/jpeg", "width": 200, "height": 300, "animated": False}
    for image in (decoded(done.picture), decoded(done.thumbnail)):
        right = (120, 0, 200, 300)  # the first lines of the file
        assert difference(image.crop(right), pictures.noise().rotate(-90, expand=True).crop(right)) < 15
    assert SECRET.encode() not in done.picture


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
def test_a_gif_that_is_cut_off_is_a_picture(tmp_path: Path, cut: Callable[[bytes], bytes]) -> None:
    whole = pictures.encoded(pictures.noise().convert("P"), "GIF", interlace=False, comment=SECRET.encode())
    done = Prepared(tmp_path, cut(whole))
    assert done.answer == {"content_type": "image/gif", "width": 300, "height": 200, "animated": False}
    upper = decoded(whole).convert("RGB").crop((0, 0, 300, 80))
    assert difference(decoded(done.thumbnail), upper) < 20
    assert done.picture.endswith(b"\0;")
    assert SECRET.encode() not in done.picture


@pytest.mark.parametrize("cut", [1, 70])
def test_an_animation_whose_last_frame_is_cut_off_keeps_the_others(tmp_path: Path, cut: int) -> None:
    done = Prepared(tmp_path, ANIMATIONS["image/gif"][:-cut])
    assert done.answer["animated"]
    assert getattr(decoded(done.picture), "n_frames", 1) == 3


def test_zeros_between_the_blocks_of_a_gif_are_left_out(tmp_path: Path) -> None:
    whole = ANIMATIONS["image/gif"]
    filled = whole.replace(b"\0!\xf9\4", b"\0\0\0!\xf9\4")
    assert len(filled) > len(whole)
    assert Prepared(tmp_path, filled).picture == Prepared(tmp_path, whole).picture


@pytest.mark.parametrize("whole", [pictures.jpeg(), pictures.png(), pictures.webp(), pictures.animation("GIF")])
def test_a_picture_with_too_many_pixels_has_no_metadata(tmp_path: Path, whole: bytes) -> None:
    done = Prepared(tmp_path, whole, pixels_max=100)
    assert done.answer["problem"] == "pixels"
    assert decoded(done.picture).size == (60, 40)
    assert SECRET.encode() not in done.picture
