"""The documentation's links are valid, and its index has all pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"

PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md"), *(REPOSITORY / "examples").rglob("*.md")])

_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NO_PART_OF_AN_ANCHOR = re.compile(r"[^\w\- ]")


def _text(page: Path) -> str:
    """Returns the text of a page without its code examples."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> Iterator[str]:
    """Yields the anchors of a page's headings: lower case, hyphens for spaces, no punctuation."""
    for line in _text(page).splitlines():
        if line.startswith("#"):
            yield _NO_PART_OF_AN_ANCHOR.sub("", line.lstrip("#").strip().lower()).replace(" ", "-")


def _is_good(page: Path, link: str) -> bool:
    if link.startswith(("http://", "https://")):
        return True
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_are_valid(page: Path) -> None:
    assert [link for link in _LINK.findall(_text(page)) if not _is_good(page, link)] == []


def test_the_index_has_every_page() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in _LINK.findall(_text(index))}
    pages = {page for page in DOCS.rglob("*.md") if page != index and page.parent.name != "decisions"}
    assert pages - linked == set()


def test_the_tests_that_hold_the_invariants_exist() -> None:
    page = (REPOSITORY / "docs" / "invariants.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", page)
    assert [path for path, _ in named if not (REPOSITORY / path).exists()] == []
    missing = [name for path, name in named if name and f"def {name}(" not in (REPOSITORY / path).read_text("utf-8")]
    assert missing == []


def test_the_files_on_the_map_exist() -> None:
    page = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:api|bus|core|identity|realtime|storage|wire)/[\w/.]+)`", page)
    assert [path for path in named if not (REPOSITORY / "src" / "talkwire" / path).exists()] == []
    assert named
