"""The program that reads pages in its own process, and its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from talkwire.previews.page import LinkedPage, PageReading
from talkwire.previews.page_readers import PageReaders, UnreadablePage
from talkwire.previews.page_worker import PAGE_MEMORY_MAX_BYTES, PAGE_PROCESSOR_MAX_S

URL = "https://talkwire.org/page"


def program(folder: Path, reading: str) -> Path:
    """Returns the path of the program, but with another expression instead of reading the page."""
    file = folder / "program.py"
    lines = (
        "import resource, signal",
        "from talkwire.previews import page_worker",
        "from talkwire.previews.page import LinkedPage, PageReading",
        f"page_worker.read_page = lambda *_: {reading}",
        "page_worker.main()",
    )
    file.write_text("\n".join(lines))
    return file


@pytest.fixture
def readers() -> Iterator[PageReaders]:
    readers = PageReaders()
    yield readers
    readers.close()


async def test_a_page_is_read(readers: PageReaders) -> None:
    body = b"<title>Gr\xfc\xdfe</title><meta property=og:image content=a.png><body>"
    reading = await readers.read(body, "text/html; charset=latin1", URL)
    assert reading == PageReading(
        LinkedPage("Gr\u00fc\u00dfe", image_url="https://talkwire.org/a.png"), is_complete=True
    )


@pytest.mark.parametrize("content_type", ["", "text/html; charset=\udcff\udcfe", 'text/html\0; "\n', "\u20ac"])
async def test_no_header_ends_the_program(readers: PageReaders, content_type: str) -> None:
    assert (await readers.read(b"<title>a</title>", content_type, URL)).page == LinkedPage("a")


@pytest.mark.parametrize("tags", [("b",), ("b", "i", "nobr")])
async def test_a_page_that_is_a_huge_tree_for_browsers_is_an_ordinary_page(
    readers: PageReaders, tags: tuple[str, ...]
) -> None:
    """Open formatting elements are repeated in each paragraph, so a tree would grow with the square of the page."""
    opened = "".join(f"<{tag} {number:x}>" for tag in tags for number in range(9000))
    body = f"<title>x</title><p>{opened}{'<p>x</b>' * 9000}".encode()
    assert (await readers.read(body, "text/html", URL)).page == LinkedPage("x")


@pytest.mark.parametrize(
    "body",
    [
        "bytearray(2 * page_worker.PAGE_MEMORY_MAX_BYTES)",
        "signal.raise_signal(signal.SIGXCPU)",
        "1 / 0",
    ],
    ids=["memory", "processor time", "a defect"],
)
async def test_a_page_that_takes_too_much_is_unreadable(tmp_path: Path, body: str) -> None:
    readers = PageReaders(program=program(tmp_path, body))
    with capture_logs() as logs, pytest.raises(UnreadablePage):
        await readers.read(b"", "text/html", URL)
    assert [(line["event"], line["log_level"]) for line in logs] == [("page_failed", "warning")]
    readers.close()


async def test_a_page_that_takes_too_long_is_given_up() -> None:
    readers = PageReaders(deadline_s=0.001)
    with pytest.raises(UnreadablePage, match="took more than"):
        await readers.read(b"<title>a</title>", "text/html", URL)
    readers.close()


async def test_the_program_limits_itself(tmp_path: Path) -> None:
    limits = "[resource.getrlimit(each)[0] for each in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]"
    readers = PageReaders(program=program(tmp_path, f"PageReading(LinkedPage(str({limits})), False)"))
    page = (await readers.read(b"", "text/html", URL)).page
    assert page == LinkedPage(str([PAGE_MEMORY_MAX_BYTES, PAGE_PROCESSOR_MAX_S]))
    readers.close()
