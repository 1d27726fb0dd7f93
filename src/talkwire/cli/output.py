"""Prints the output of commands: sentences and tables on a terminal, lines with tabs elsewhere.

Control characters in names of users are removed: a terminal would execute them, and a tab would look like a column.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_line(text: str) -> None:
    """Prints one line of text to stdout, unchanged. The caller removes control characters from texts of users, since a
    terminal would execute them."""
    sys.stdout.write(f"{text}\n")


def print_note(text: str) -> None:
    """Prints one line of text to stderr, for people rather than programs."""
    sys.stderr.write(f"{text}\n")


def print_result(sentence: str, value: str | None = None) -> None:
    """Prints, to stdout, a sentence about what a command did. If stdout is no terminal but read by a program, prints
    `value` instead, if there is one."""
    on_terminal = sys.stdout.isatty()
    print_line(_clean(sentence) if on_terminal or value is None else _clean(value))


def print_list(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints rows to stdout: as a table with headings on a terminal; elsewhere as lines with a tab between the cells,
    without headings."""
    if not sys.stdout.isatty():
        for row in rows:
            print_line("\t".join(map(_clean, row)))
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(_clean(cell), overflow="fold") for cell in row))
    Console(highlight=False).print(table)


def print_json(items: Sequence[Mapping[str, object]]) -> None:
    """Prints a list to stdout as one JSON array."""
    print_line(msgspec.json.format(msgspec.json.encode(items), indent=2).decode())


def iso_time(time_ms: int) -> str:
    """Returns a time, given in milliseconds since 1970, in ISO 8601: UTC with milliseconds, as the API writes times."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clean(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
