"""What commands print. On a terminal sentences and tables for people; elsewhere tabs and lines for programs.

Names come from users, so control characters are taken out: a terminal would obey them, and a tab would forge a column.
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
    """One line to stdout, as it is."""
    sys.stdout.write(f"{text}\n")


def print_note(text: str) -> None:
    """One line to stderr, for people."""
    sys.stderr.write(f"{text}\n")


def say_done(sentence: str, value: str | None = None) -> None:
    """What was done. A program that reads our output gets the `value` alone, where there is one."""
    on_terminal = sys.stdout.isatty()
    print_line(_clean(sentence) if on_terminal or value is None else _clean(value))


def print_list(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table with headings on a terminal, else a line for each row with tabs between, without headings."""
    if not sys.stdout.isatty():
        for row in rows:
            print_line("\t".join(map(_clean, row)))
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(_clean(cell), overflow="fold") for cell in row))
    Console(highlight=False).print(table)


def print_json(items: Sequence[Mapping[str, object]]) -> None:
    """The list as one JSON array."""
    print_line(msgspec.json.format(msgspec.json.encode(items), indent=2).decode())


def iso_time(time_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as the API writes times."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clean(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
