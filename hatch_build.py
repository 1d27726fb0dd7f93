"""What the package's build checks: that the web client and the Socket.IO client's bundle are in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BUILT = tuple(Path("src", "talkwire", "web", name) for name in ("index.html", "socket.io/socket.io.js"))


class WebClientHook(BuildHookInterface[Any]):
    """Refuses to build a package without the page at `/`. An editable install takes it from the tree, whenever it is
    built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        missing = [path for path in _BUILT if not (Path(self.root) / path).is_file()]
        if version != "editable" and missing:
            raise FileNotFoundError(f"{missing[0]} is missing: build the web client first, with `make install`")
