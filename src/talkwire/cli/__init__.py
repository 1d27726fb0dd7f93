"""The command line.

parser.py          the commands and their names; a command's module is imported when the command runs
flags.py           the settings as flags
failures.py        how a failure ends: one line, and the exit code
delivery.py        runs commands through a running server, or on the database itself
output.py          tables on a terminal, tabs and JSON elsewhere
progress.py        shows the progress of a long command
serve.py, tokens.py, users.py, conversations.py, migration.py, backup.py, copying.py     the commands
"""

from __future__ import annotations

from talkwire.cli.parser import main

__all__ = ["main"]
