"""docs/django.md and docs/express.md show the examples that test_embedding_examples.mjs tries."""

from __future__ import annotations

import pytest

from tests.protocol.server_process import REPOSITORY
from tests.reference.blocks.collected import blocks_of

DJANGO = REPOSITORY / "examples" / "django" / "shop.py"
EXPRESS = REPOSITORY / "examples" / "express-embed" / "shop.mjs"


@pytest.mark.parametrize("page", ["django.md", "express.md"])
def test_the_page_shows_the_example_as_it_is(page: str) -> None:
    shown = {block.text for block in blocks_of(REPOSITORY / "docs" / page)}
    files = [DJANGO] if page == "django.md" else [each for each in EXPRESS.parent.rglob("*.*js") if each.is_file()]
    assert [str(each) for each in files if each.read_text(encoding="utf-8") not in shown] == []
    assert len(files) == (1 if page == "django.md" else 3)
