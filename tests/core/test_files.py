"""Names and paths of files."""

from __future__ import annotations

import pytest

from talkwire.core.domain.model import Attachment, File
from talkwire.core.features.messages.files import FILE_NAME_MAX, attachment_of, file_name, file_url, thumbnail_url


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("  à la carte.pdf ", "à la carte.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\alice\\cat.gif", "cat.gif"),
        ("/", "file"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("\x00\r\n", "file"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
        ("\u202egpj.exe", "gpj.exe"),
        ("lone \ud800", "lone"),
        ("👩\u200d🔬.png", "👩\u200d🔬.png"),
        ("x" * 300 + ".jpeg", "x" * (FILE_NAME_MAX - 5) + ".jpeg"),
        ("x." + "y" * 300, "x." + "y" * (FILE_NAME_MAX - 2)),
    ],
)
def test_a_name_is_one_line_without_folders(text: str, name: str) -> None:
    assert file_name(text) == name


def file(name: str, width: int | None = None) -> File:
    return File("f1", "alice", name, "image/png", 3, "d1", 1, 3, width=width, height=width)


@pytest.mark.parametrize(
    ("name", "end"),
    [("a b?#%.txt", "a%20b%3F%23%25.txt"), ("thumbnail", "file"), ("é", "%C3%A9")],
)
def test_an_address_ends_in_the_name(name: str, end: str) -> None:
    assert file_url(file(name)) == f"/api/v1/files/f1/{end}"


def test_only_pictures_have_a_thumbnail() -> None:
    assert thumbnail_url(file("a")) is None
    assert thumbnail_url(file("a", 5)) == "/api/v1/files/f1/thumbnail"


def test_an_attachment_has_the_properties_of_its_file() -> None:
    assert attachment_of(file("a.png", 5)) == Attachment(
        "/api/v1/files/f1/a.png", "a.png", "f1", "image/png", 3, 5, 5, "/api/v1/files/f1/thumbnail"
    )
