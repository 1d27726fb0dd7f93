"""The command line `talkwire`.

parser.py          the commands and their names; a command's module is imported when the command runs
flags.py           the settings as command-line flags
failures.py        ends a failed command with one line of text and an exit code
delivery.py        executes chat commands in a running server, or on the database itself
database.py        opens databases, and turns their errors into one line
output.py          prints tables on a terminal, tabs and JSON elsewhere
progress.py        shows the progress of a long command
passwords.py       reads passwords from a prompt or stdin
extras.py, redis.py     check optional packages and the configured Redis
history_import/    imports from other chat systems
integration/       webhooks
load_test/         a load test of a server
userdata/          erases and exports a user's data
workers/           several server processes on one machine
serve.py, check.py, tokens.py, users.py, conversations.py, invitations.py, migration.py, backup.py, copying.py
                   the other commands
"""

from __future__ import annotations

from talkwire.cli.parser import main

__all__ = ["main"]
