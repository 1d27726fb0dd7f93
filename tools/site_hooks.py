"""MkDocs hooks for the documentation's site: anchors as on GitHub, links to files of the repository, and `llms.txt`.

https://www.mkdocs.org/dev-guide/plugins/#events, https://llmstxt.org
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\]\((?P<path>\.\./[^)\s]+)\)")
_NO_PART_OF_AN_ANCHOR = re.compile(r"[^\w\- ]")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_NO_PROSE = re.compile(r"\s*(?:[#|<>!]|[-*+] |\d+\. )")
_END_OF_SENTENCE = re.compile(r"(?<=[.?!]) ")
_MARKUP = re.compile(r"[`*]|\[([^\]]*)\]\([^)]*\)")

_ROOT = Path(__file__).parents[1]


def anchor(heading: str, separator: str = "-") -> str:
    """Returns the anchor of a heading, as GitHub makes it: lower case, hyphens for spaces, no punctuation."""
    return _NO_PART_OF_AN_ANCHOR.sub("", heading.strip().lower()).replace(" ", separator)


def on_page_markdown(markdown: str, page: Any, config: Any, **_: object) -> str:  # noqa: ANN401 (MkDocs has no types)
    """Returns a page's Markdown with links to files outside of `docs` replaced by links to the repository's website."""
    folder = (Path(config["docs_dir"]) / page.file.src_uri).parent

    def absolute(link: re.Match[str]) -> str:
        path, hash_, fragment = link["path"].partition("#")
        target = (folder / path).resolve()
        if target.is_relative_to(config["docs_dir"]) or not target.is_relative_to(_ROOT):
            return link[0]
        view = "tree" if target.is_dir() else "blob"
        return f"]({config['extra']['repository']}/{view}/main/{target.relative_to(_ROOT).as_posix()}{hash_}{fragment})"

    return _LINK.sub(absolute, markdown)


def on_post_build(config: Any, **_: object) -> None:  # noqa: ANN401 (MkDocs has no types)
    """Writes `llms.txt`, an index of the site for language models: every page with its first sentence."""
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}", ""]
    for section in config["nav"]:
        for title, entries in section.items():
            if isinstance(entries, str):
                continue
            lines += [f"## {title}", "", *_entries(entries, Path(config["docs_dir"])), ""]
    Path(config["site_dir"], "llms.txt").write_text("\n".join(lines), encoding="utf-8")


def _entries(entries: list[Any], docs: Path) -> list[str]:
    found = []
    for entry in entries:
        for title, path in entry.items() if isinstance(entry, dict) else [(None, entry)]:
            if isinstance(path, list):
                found += _entries(path, docs)
            else:
                found.append(line_of(title, path, docs))
    return found


def line_of(title: str | None, path: str, docs: Path) -> str:
    """Returns the line of `llms.txt` for a page: its title, its address and its first sentence."""
    heading, _, rest = _CODE.sub("", (docs / path).read_text(encoding="utf-8")).partition("\n")
    prose = (block for block in re.split(r"\n\s*\n", rest) if block.strip() and not _NO_PROSE.match(block))
    paragraph = _MARKUP.sub(lambda markup: markup[1] or "", " ".join(next(prose, "").split()))
    address = path.removesuffix("README.md") if path.endswith("README.md") else f"{path.removesuffix('.md')}/"
    return f"- [{title or heading.lstrip('# ')}]({address}): {_END_OF_SENTENCE.split(paragraph)[0]}"
