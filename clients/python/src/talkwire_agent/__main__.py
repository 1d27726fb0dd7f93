"""The command `talkwire-agent`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

NEEDED = ("openai", "rfc8785")
"""Names of packages that only the command needs: the extra `agent`."""


def main(given: Sequence[str] | None = None) -> int:
    """Runs the agent until it is interrupted or terminated, and returns the exit code."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        sys.stderr.write(f"talkwire-agent needs {' and '.join(missing)}: pip install 'talkwire-client[agent]'\n")
        return 1
    from talkwire_agent.command import run_command  # noqa: PLC0415 (imports these packages)

    return run_command(given)


if __name__ == "__main__":
    sys.exit(main())
