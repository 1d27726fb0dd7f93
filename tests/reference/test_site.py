"""The documentation's site: it is built without a warning, and its pages load nothing from other servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.site_hooks import line_of

ROOT = Path(__file__).parents[2]

# What a browser loads by itself. Links may lead anywhere.
_LOADED = re.compile(
    r'<(?:script|img|iframe)[^>]*\bsrc="(https?://[^"]+)"|<link[^>]*rel="stylesheet"[^>]*href="(https?://[^"]+)"'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def test_pages_load_nothing_from_other_servers(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    loaded = {address for page in pages for address in _LOADED.findall(page.read_text(encoding="utf-8"))}
    assert loaded == set()


def test_links_to_files_of_the_repository_lead_there(site: Path) -> None:
    page = (site / "metrics" / "index.html").read_text(encoding="utf-8")
    assert 'href="https://github.com/talkwire/talkwire/blob/main/deploy/grafana/talkwire.json"' in page


def test_programs_find_each_page_of_the_navigation(site: Path) -> None:
    lines = (site / "llms.txt").read_text(encoding="utf-8").splitlines()
    addresses = [found[1] for line in lines if (found := re.match(r"- \[[^\]]+\]\(([^)]+)\): \w", line))]
    assert len(addresses) > 40
    assert [address for address in addresses if not (site / address / "index.html").is_file()] == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# A\n\nOne sentence. Another one.\n", "One sentence."),
        ("# A\n\nA sentence of\ntwo lines, with Socket.IO. Another one.\n", "A sentence of two lines, with Socket.IO."),
        ("# A\n\n`code` and a [link\nof two](a.md) **here**.\n", "code and a link of two here."),
        ("# A\n\n![A picture](a.png)\n\n| a | b |\n|---|---|\n\n- An item.\n\nProse.\n", "Prose."),
        ("# A\n\n```sh\ncode\n```\n\nIt does:\n\n- this\n", "It does:"),
    ],
)
def test_a_page_is_described_by_its_first_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    assert line_of(None, "a.md", tmp_path) == f"- [A](a/): {sentence}"
