"""The documentation's links are valid, its index has all pages, and pages that list something list all of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bench import ejabberd, scale
from talkwire.dialects.messenger.log_events import LOG_EVENT_NAMES

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


def test_the_list_of_decisions_has_every_record() -> None:
    listed = _LINK.findall(_text(DOCS / "decisions" / "README.md"))
    assert sorted(listed) == sorted(page.name for page in (DOCS / "decisions").glob("0*.md"))


def test_the_page_of_sizes_has_the_costs_of_the_benchmarks(tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    page.write_text((DOCS / "scale.md").read_text(encoding="utf-8"), encoding="utf-8")
    scale.write_tables(page)
    assert page.read_text(encoding="utf-8") == (DOCS / "scale.md").read_text(encoding="utf-8")


def test_the_page_shows_how_ejabberd_is_configured() -> None:
    assert f"```yaml\n{ejabberd.CONFIGURATION}```\n" in (DOCS / "benchmarks.md").read_text(encoding="utf-8")


def test_every_web_page_of_an_example_fits_a_phone() -> None:
    """Without the tag, a phone lays a page out for a desktop's width."""
    tracked = subprocess.run(["git", "ls-files", "examples", "docs"], cwd=REPOSITORY, capture_output=True, check=True)
    for name in tracked.stdout.decode().splitlines():
        if name.endswith((".html", ".md", ".mjs", ".py", ".ts")):
            _, *web_pages = (REPOSITORY / name).read_text(encoding="utf-8").split("<!doctype html>")
            assert all('<meta name="viewport" content="width=device-width' in page for page in web_pages), name


SECTIONS = ["Build a client", "Connect your back end", "Run it", "Background"]
"""What a reader comes for. The first three have guides, then the reference."""


class _Names(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Reads `mkdocs.yml`, which names Python functions."""


_Names.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def _below(entries: object) -> Iterator[str]:
    """Yields the pages of a part of the site's navigation."""
    if isinstance(entries, str):
        yield entries
    elif isinstance(entries, dict):
        for each in entries.values():
            yield from _below(each)
    elif isinstance(entries, list):
        for each in entries:
            yield from _below(each)


def test_each_page_is_in_one_section_of_the_site_and_of_the_index() -> None:
    configuration = yaml.load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"), _Names)  # noqa: S506 (our file)
    home, *navigation = configuration["nav"]
    assert home == {"Home": "README.md"}
    assert [title for section in navigation for title in section] == SECTIONS
    on_the_site = {title: sorted(_below(entries)) for section in navigation for title, entries in section.items()}
    pages = [page for section in on_the_site.values() for page in section]
    assert len(pages) == len(set(pages))
    expected = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert {page for page in expected if not page.startswith("decisions/0")} == {*pages, "README.md"}

    parts = re.split(r"^## (.+)$", _text(DOCS / "README.md"), flags=re.MULTILINE)
    in_the_index = {
        title: sorted({link for link in _LINK.findall(text) if not link.startswith("..")})
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    assert in_the_index == on_the_site


def test_the_comparison_cites_what_it_says_about_others() -> None:
    rows = re.findall(r"^\| (\w.*) \|$", (DOCS / "comparison.md").read_text(encoding="utf-8"), re.MULTILINE)
    cells = [cell for name, *others in (row.split(" | ") for row in rows) if name != "Talkwire" for cell in others]
    assert len(cells) > 60
    assert [cell for cell in cells if cell != "not found" and "](https://" not in cell] == []


def test_the_tests_that_hold_the_invariants_exist() -> None:
    page = (REPOSITORY / "docs" / "invariants.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|web)/[\w/.]+)(?:::(\w+))?`", page)
    assert [path for path, _ in named if not (REPOSITORY / path).exists()] == []
    missing = [name for path, name in named if name and f"def {name}(" not in (REPOSITORY / path).read_text("utf-8")]
    assert missing == []


def test_the_files_on_the_map_exist() -> None:
    page = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:api|bus|core|identity|realtime|storage|wire)/[\w/.]+)`", page)
    assert [path for path in named if not (REPOSITORY / "src" / "talkwire" / path).exists()] == []
    assert named


def test_the_page_of_the_event_stream_has_every_type() -> None:
    page = (DOCS / "event-stream.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    listed = re.findall(r"`([\w:-]+)`", " ".join(first_cells))
    assert [name for name in LOG_EVENT_NAMES if name not in listed] == []
