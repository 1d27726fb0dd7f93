"""What the package's build adds: a check that the web client and the Socket.IO client's bundle are in it, and a README
whose links work on other sites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_BUILT = tuple(Path("src", "talkwire", "web", name) for name in ("index.html", "socket.io/socket.io.js"))
_LINK = re.compile(r"""(?P<before>\]\(|(?:src|href)=")(?P<path>(?![a-z]+:|#|/)[^)"\s]+)""")
_PICTURES = (".png", ".svg", ".jpg", ".webp")


class WebClientHook(BuildHookInterface[Any]):
    """Refuses to build a package without the page at `/`. An editable install takes it from the tree, whenever it is
    built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        missing = [path for path in _BUILT if not (Path(self.root) / path).is_file()]
        if version != "editable" and missing:
            raise FileNotFoundError(f"{missing[0]} is missing: build the web client first, with `make install`")


class ReadmeHook(MetadataHookInterface):
    """Makes the README the package's description."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(text, metadata["urls"]["Repository"]),
        }


def with_absolute_links(text: str, repository: str) -> str:
    """Returns Markdown whose links and pictures lead to the repository instead of to files beside it."""

    def absolute(link: re.Match[str]) -> str:
        path = link["path"]
        view = "raw" if path.endswith(_PICTURES) else "blob"
        return f"{link['before']}{repository}/{view}/main/{path}"

    return _LINK.sub(absolute, text)
