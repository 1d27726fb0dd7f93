"""The command line.

parser.py          the commands and their names; each command's module is imported when it is asked for
flags.py           the settings as flags
failures.py        how a failure ends: one line, and which exit code
delivery.py        through a running server, or into the database itself
output.py          tables on a terminal, tabs and JSON elsewhere
serve.py, tokens.py, users.py, conversations.py, upkeep.py     the commands
"""

from __future__ import annotations

from talkwire.cli.parser import main

__all__ = ["main"]
