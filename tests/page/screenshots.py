"""`python -m tests.page.screenshots`: takes the pictures of the web client in docs/screenshots anew."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from tests.page.driving import serving
from tests.protocol.server_process import REPOSITORY, free_port

PICTURES = REPOSITORY / "docs" / "screenshots"
SCRIPT = Path(__file__).parent / "screenshots.mjs"


def main() -> None:
    """Start a fresh demo server, and have a browser look at it."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), free_port()) as url:
        subprocess.run(["node", str(SCRIPT), program, url, str(PICTURES)], check=True)


if __name__ == "__main__":
    main()
