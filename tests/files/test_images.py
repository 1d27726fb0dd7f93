"""The program in its own process, and its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.files.images import ImageWorkers, Picture
from tests.files import pictures
from tests.files.heif import heic


@pytest.fixture
def workers() -> Iterator[ImageWorkers]:
    workers = ImageWorkers(pixels_max=1_000_000)
    yield workers
    workers.close()


async def prepare(workers: ImageWorkers, folder: Path, data: bytes) -> Picture | None:
    (folder / "source").write_bytes(data)
    return await workers.prepare(folder / "source", folder / "picture", folder / "thumbnail", folder / "large")


async def test_a_picture_is_prepared(workers: ImageWorkers, tmp_path: Path) -> None:
    assert await prepare(workers, tmp_path, pictures.jpeg()) == Picture("image/jpeg", 60, 40)
    assert pictures.SECRET.encode() not in (tmp_path / "picture").read_bytes()


async def test_an_animation_is_marked_as_one(workers: ImageWorkers, tmp_path: Path) -> None:
    assert await prepare(workers, tmp_path, pictures.animation("WEBP")) == Picture("image/webp", 60, 40, animated=True)


async def test_bytes_that_are_no_picture_give_none(workers: ImageWorkers, tmp_path: Path) -> None:
    data = b"\x89PNG\r\n\x1a\n" + pictures.HTML
    assert await prepare(workers, tmp_path, data) is None
    assert (tmp_path / "picture").read_bytes() == data


async def test_a_picture_that_is_not_decoded_has_no_metadata(workers: ImageWorkers, tmp_path: Path) -> None:
    photo = heic({b"hvc1": b"pixels " * 9, b"Exif": b"\0\0\0\0MM\0*" + pictures.SECRET.encode()})
    assert await prepare(workers, tmp_path, photo) is None
    kept = (tmp_path / "picture").read_bytes()
    assert b"pixels" in kept
    assert pictures.SECRET.encode() not in kept


async def test_a_picture_whose_metadata_cannot_be_found_is_refused(workers: ImageWorkers, tmp_path: Path) -> None:
    with pytest.raises(ChatError, match="this picture is damaged, so its metadata"):
        await prepare(workers, tmp_path, pictures.png()[:50])


async def test_a_picture_with_too_many_pixels_gives_none(workers: ImageWorkers, tmp_path: Path) -> None:
    assert await prepare(workers, tmp_path, pictures.png_of_size(50_000, 50_000)) is None
    assert not (tmp_path / "thumbnail").exists()


async def test_a_picture_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    workers = ImageWorkers(deadline_s=0.001)
    with pytest.raises(ChatError, match="takes too much"):
        await prepare(workers, tmp_path, pictures.jpeg())
    workers.close()


async def test_the_program_does_not_see_the_servers_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = tmp_path / "spy.py"
    spy.write_text("import os, json\nprint(json.dumps({'content_type': str('JWT_SECRET' in os.environ)}))")
    monkeypatch.setenv("JWT_SECRET", "not for pictures")
    workers = ImageWorkers(program=spy)
    assert await prepare(workers, tmp_path, b"") == Picture("False", 0, 0)
    workers.close()


async def test_a_program_that_dies_is_a_refusal(tmp_path: Path) -> None:
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    workers = ImageWorkers(program=crash)
    with pytest.raises(ChatError, match="takes too much"):
        await prepare(workers, tmp_path, b"")
    workers.close()
