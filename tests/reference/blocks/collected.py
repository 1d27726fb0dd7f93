"""The code blocks of README.md and of the pages below `docs`."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block. `page` is a path in the repository."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Returns the blocks of a page, in its order."""
    content = page.read_text(encoding="utf-8")
    name = page.relative_to(REPOSITORY).as_posix()
    return [
        Block(name, content.count("\n", 0, found.start()) + 1, found["language"], textwrap.dedent(found["text"]))
        for found in _BLOCK.finditer(content)
    ]


def all_blocks() -> list[Block]:
    """Returns the blocks of all pages. Decisions are of their day, and nobody follows them as instructions."""
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    return [block for page in pages if page.parent.name != "decisions" for block in blocks_of(page)]
