"""Runs the `talkwire` command line for `python -m talkwire`."""

from __future__ import annotations

import sys

from talkwire.cli import main

if __name__ == "__main__":
    sys.exit(main())
