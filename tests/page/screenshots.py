"""`python -m tests.page.screenshots`: takes the pictures of the web client and the console in docs/screenshots."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from talkwire.identity.issuer import TokenIssuer
from talkwire.settings import Settings
from talkwire.settings.keys import signing_secret
from tests.page.driving import serving
from tests.protocol.server_process import REPOSITORY, reserved_port

PICTURES = REPOSITORY / "docs" / "screenshots"
SCRIPT = Path(__file__).parent / "screenshots.mjs"


def main() -> None:
    """Start a fresh demo server, and have a browser look at it."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), reserved_port()) as url:
        secret = signing_secret(Settings(data=Path(folder), demo=True))
        assert secret is not None
        token = TokenIssuer(secret).issue("olga", ttl_s=600, name="Olga Brandt", role="admin")
        subprocess.run(["node", str(SCRIPT), program, url, str(PICTURES), token], check=True)


if __name__ == "__main__":
    main()
