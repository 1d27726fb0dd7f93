"""The command line.

parser.py          the commands and their names; each command's module is imported when it is asked for
flags.py           the settings as flags
failures.py        how a failure ends: one line, and which exit code
delivery.py        through a running server, or into the database itself
output.py          tables on a terminal, tabs and JSON elsewhere
progress.py        how far a long command is
serve.py, tokens.py, users.py, conversations.py, upkeep.py, backup.py, copying.py     the commands
"""

from __future__ import annotations

from talkwire.cli.parser import main

__all__ = ["main"]
