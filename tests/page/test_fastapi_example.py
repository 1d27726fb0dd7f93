"""docs/tutorials/fastapi-react.md shows the example that test_fastapi_example.mjs tries."""

from __future__ import annotations

from tests.reference.blocks.collected import REPOSITORY, blocks_of

EXAMPLE = REPOSITORY / "examples" / "fastapi-react"
IGNORED = {"node_modules", "dist", "__pycache__", "package.json", "package-lock.json", "tsconfig.json"}
"""Names of what the reader's commands make, and of what only an editor reads."""
PAGE = REPOSITORY / "docs" / "tutorials" / "fastapi-react.md"


def test_the_page_shows_the_files_of_the_example() -> None:
    shown = {block.text for block in blocks_of(PAGE)}
    files = [each for each in EXAMPLE.rglob("*") if each.is_file() and not IGNORED.intersection(each.parts)]
    assert len(files) > 8
    assert [str(each) for each in files if each.read_text(encoding="utf-8") not in shown] == []
