"""Runs Vite and Vitest of `clients/javascript`, wherever the repository lies."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.waiting import DEADLINE_S

CLIENTS = "clients/javascript"
IN_PLAIN_PATH = ["sh", str(Path(__file__).parents[1] / "tools" / "in_plain_path.sh")]
"""Begins a command; a folder of the repository and what runs there follow."""
_BUILD = """
ln -sfn "$PWD/node_modules" "$0/node_modules"
node node_modules/vite/bin/vite.js build --logLevel warn "$0"
"""


def build_page(page: Path) -> None:
    """Builds the page in a folder, which imports what `clients/javascript` has installed."""
    command = [*IN_PLAIN_PATH, CLIENTS, "sh", "-ec", _BUILD, str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
