"""Copies of pictures without metadata, made without decoding them."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageSequence
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from talkwire.files.metadata.copying import Broken, CopiedPicture
from talkwire.files.metadata.removal import Kind, kind_of, without_metadata
from tests.files import pictures
from tests.files.heif import box, heic
from tests.files.pictures import HTML, SECRET, encoded

MARK = SECRET.encode()
SHARES = st.floats(0, 1, exclude_max=True)
STEP = 7
"""Every this many lengths of a cut picture are tried."""

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def cleaned(folder: Path, data: bytes) -> tuple[bytes, CopiedPicture]:
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    kind = kind_of(data[:4096])
    assert kind is not None
    copied = without_metadata(source, kind, target)
    return target.read_bytes(), copied


def tiff(*, orientation: int = 1, **options: object) -> bytes:
    tags = ImageFileDirectory_v2()
    tags[274], tags[270], tags[315], tags[700] = orientation, SECRET, SECRET, MARK
    metadata = pictures.exif(orientation)
    metadata.get_ifd(0x8769)[0x9286] = MARK
    for tag in tags:
        metadata[tag] = tags[tag]
    return encoded(pictures.flag(), "TIFF", exif=metadata, **options)


def frames_of(image: Image.Image) -> list[bytes]:
    return [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(image)]


def with_trailing_comment(gif: bytes) -> bytes:
    return gif[:-1] + b"!\xfe" + bytes((len(MARK),)) + MARK + b"\0;"


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg_with(*segments: bytes, **options: object) -> bytes:
    whole = encoded(pictures.flag(), "JPEG", **options)
    return whole[:2] + b"".join(segments) + whole[2:]


ITEMS = {b"hvc1": b"pixels " * 9, b"Exif": b"\0\0\0\0MM\0*" + MARK, b"mime": b"<x:" + MARK, b"av01": b"more " * 9}
WHOLE: dict[str, bytes] = {
    "jpeg": pictures.jpeg(),
    "progressive jpeg": jpeg_with(jpeg_segment(0xED, b"8BIM" + MARK), progressive=True, exif=pictures.exif()),
    "jpeg with xmp": jpeg_with(jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + MARK), icc_profile=PROFILE),
    "jpeg with other applications": jpeg_with(jpeg_segment(0xE2, b"FPXR" + MARK), jpeg_segment(0xE0, b"JFXX\0" + MARK)),
    "png": pictures.png(),
    "animated png": pictures.animation("PNG"),
    "gif": pictures.animation("GIF"),
    "gif with comments": with_trailing_comment(pictures.animation("GIF")),
    "webp": pictures.webp(),
    "animated webp": pictures.animation("WEBP"),
    "tiff": tiff(),
    "packed tiff": tiff(compression="tiff_lzw"),
    "avif": pictures.avif(),
    "animated avif": pictures.animation("AVIF"),
    "heic": heic(ITEMS, extra=box(b"uuid", bytes(16), MARK), properties=box(b"udes", bytes(4), MARK)),
}


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_a_copy_has_the_picture_and_no_metadata(tmp_path: Path, whole: bytes) -> None:
    assert MARK in whole
    copy, copied = cleaned(tmp_path, whole)
    assert copied.complete
    assert MARK not in copy
    if whole is not WHOLE["heic"]:
        before, after = Image.open(BytesIO(whole)), Image.open(BytesIO(copy))
        assert frames_of(before) == frames_of(after)
        assert after.info.get("icc_profile") == before.info.get("icc_profile")


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_a_copy_of_a_copy_is_the_same(tmp_path: Path, whole: bytes) -> None:
    copy, _ = cleaned(tmp_path, whole)
    assert cleaned(tmp_path, copy)[0] == copy


def test_a_heic_keeps_its_pixels_in_their_places(tmp_path: Path) -> None:
    whole = WHOLE["heic"]
    copy, _ = cleaned(tmp_path, whole)
    assert len(copy) == len(whole)
    for pixels in (ITEMS[b"hvc1"], ITEMS[b"av01"]):
        assert copy.index(pixels) == whole.index(pixels)


@pytest.mark.parametrize("whole", [w for k, w in WHOLE.items() if "tiff" not in k and "avif" not in k and k != "heic"])
def test_bytes_behind_the_end_are_not_copied(tmp_path: Path, whole: bytes) -> None:
    assert b"script" not in cleaned(tmp_path, whole + HTML)[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_copy_lies_as_the_picture_does(tmp_path: Path, kind: str, orientation: int) -> None:
    whole = encoded(pictures.flag(), kind, exif=pictures.exif(orientation))
    kept = Image.open(BytesIO(cleaned(tmp_path, whole)[0])).getexif()
    assert kept.get(0x0112, 1) == orientation
    assert 0x8825 not in kept
    assert 0x010E not in kept


def test_a_raw_picture_of_a_camera_is_copied_as_it_is(tmp_path: Path) -> None:
    tags = ImageFileDirectory_v2()
    tags[50706], tags[270] = b"\1\4\0\0", SECRET
    tags.tagtype[50706] = 1
    whole = encoded(pictures.flag(), "TIFF", tiffinfo=tags)
    assert cleaned(tmp_path, whole)[0] == whole


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n" + HTML, b"GIF89a/*" + HTML, b"\xff\xd8\xff\xe0" + HTML])
def test_other_files_that_begin_like_a_picture_stay_what_they_are(tmp_path: Path, head: bytes) -> None:
    assert cleaned(tmp_path, head)[0] == head


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (pictures.jpeg(), "jpeg"),
        (pictures.png(), "png"),
        (pictures.animation("GIF"), "gif"),
        (pictures.webp(), "webp"),
        (pictures.avif(), "heif"),
        (heic(ITEMS, brand=b"mif1"), "heif"),
        (tiff(), "tiff"),
        (b"MM\0+\0\x08\0\0", "tiff"),
        (b"II*\0\x10\0\0\0CR\2\0", None),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", None),
        (b"%PDF-1.7", None),
        (HTML, None),
        (b"", None),
        (b"GIF is a format", None),
        (b"BMW is a make", None),
    ],
)
def test_formats_are_known_by_their_first_bytes(head: bytes, kind: Kind | None) -> None:
    assert kind_of(head) == kind


def test_directories_that_share_long_lists_are_refused(tmp_path: Path) -> None:
    """Each list of places of directories is read once for each directory that has it."""
    directory = struct.pack("<HHHIII", 1, 330, 4, 2000, 26, 0)
    places = b"".join(struct.pack("<I", 26 + 8000 + 18 * number) for number in range(2000))
    with pytest.raises(Broken, match="too many entries"):
        cleaned(tmp_path, b"II*\0\x08\0\0\0" + directory + places + directory * 2000)


def test_boxes_in_boxes_are_removed(tmp_path: Path) -> None:
    deep = b""
    for _ in range(2000):
        deep = box(b"trak", deep)
    copy, _ = cleaned(tmp_path, heic(ITEMS, extra=box(b"moov", deep)))
    assert copy.count(b"trak") == 1


def never_leaks(folder: Path, data: bytes) -> bool:
    """Returns whether the file may be stored; checks that it then has no metadata."""
    if kind_of(data[:4096]) is None:
        return False
    try:
        copy, _ = cleaned(folder, data)
    except Broken:
        return False
    assert MARK not in copy
    return True


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_no_cut_picture_keeps_metadata(tmp_path: Path, whole: bytes) -> None:
    kept = [never_leaks(tmp_path, whole[:length]) for length in range(len(whole) % STEP, len(whole), STEP)]
    assert kept[-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([*WHOLE.values()]), st.lists(st.tuples(SHARES, st.integers(1, 255)), min_size=1, max_size=3))
def test_no_damaged_picture_keeps_metadata(tmp_path: Path, whole: bytes, flips: list[tuple[float, int]]) -> None:
    damaged = bytearray(whole)
    for share, change in flips:
        damaged[12 + int(share * (len(whole) - 12))] ^= change
    never_leaks(tmp_path, bytes(damaged))
