"""What the package's build checks: that the web client is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_CLIENT = Path("src", "talkwire", "web", "index.html")


class WebClientHook(BuildHookInterface[Any]):
    """Refuses to build a package without the page at `/`. An editable install takes it from the tree, whenever it is
    built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        if version != "editable" and not (Path(self.root) / _CLIENT).is_file():
            raise FileNotFoundError(f"{_CLIENT} is missing: build the web client first, with `make install`")
