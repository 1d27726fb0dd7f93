"""A journal of the table `turns`, which triggers write in the transactions that change a turn, and what must hold of
it: two turns of one conversation are never `working` at once, and the attempts of a turn only grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rigs.torture.cluster.place import Place

ENDED = frozenset({"done", "failed"})

_SQLITE_MS = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_POSTGRESQL_MS = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_COLUMNS = "turn_id, conversation_id, state, attempt, tries, pos, at_ms"
_INSERT = f"""INSERT INTO turn_journal ({_COLUMNS}) SELECT
    NEW.id, NEW.conversation_id, NEW.state, NEW.attempt, NEW.tries, pos, {{}} FROM log_head"""  # noqa: S608
_TABLE = """CREATE TABLE turn_journal (n {}, turn_id BIGINT, conversation_id TEXT, state TEXT, attempt INTEGER,
    tries INTEGER, pos BIGINT, at_ms BIGINT)"""
_ON_SQLITE = (
    _TABLE.format("INTEGER PRIMARY KEY AUTOINCREMENT"),
    *(
        f"CREATE TRIGGER turn_journal_{change} AFTER {change} ON turns BEGIN {_INSERT.format(_SQLITE_MS)}; END"
        for change in ("INSERT", "UPDATE")
    ),
)
_ON_POSTGRESQL = (
    _TABLE.format("BIGSERIAL PRIMARY KEY"),
    f"""CREATE FUNCTION note_turn() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN {_INSERT.format(_POSTGRESQL_MS)}; RETURN NULL; END $$""",
    "CREATE TRIGGER turn_noted AFTER INSERT OR UPDATE ON turns FOR EACH ROW EXECUTE FUNCTION note_turn()",
)


class TurnRow(NamedTuple):
    """A turn as a transaction has stored it at `at_ms`, by the database's clock. The rows are numbered by `n` in the
    order of the transactions, since these lock the log's head. `pos` is the log's position before the transaction."""

    n: int
    turn_id: int
    conversation_id: str
    state: str
    attempt: int
    tries: int
    pos: int
    at_ms: int


def keep_journal(place: Place) -> None:
    """Makes the database keep the journal from now on."""
    for statement in _ON_POSTGRESQL if place.postgresql else _ON_SQLITE:
        place.query(statement)


def rows_after(place: Place, n: int) -> list[TurnRow]:
    found = place.query(f"SELECT n, {_COLUMNS} FROM turn_journal WHERE n > {n} ORDER BY n")  # noqa: S608
    return [TurnRow(*row) for row in found]


class Journal:
    """The rows so far, and what was wrong in them: `violations` are sentences."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.last_n = 0
        self._rows: defaultdict[int, list[TurnRow]] = defaultdict(list)
        self._working: defaultdict[str, set[int]] = defaultdict(set)

    def add(self, rows: Sequence[TurnRow]) -> None:
        """Adds the next rows, and checks each against those before it."""
        for row in rows:
            self.violations += self._wrong_in(row)
            self._rows[row.turn_id].append(row)
            working = self._working[row.conversation_id]
            (working.add if row.state == "working" else working.discard)(row.turn_id)
            self.last_n = row.n

    def _wrong_in(self, row: TurnRow) -> Iterator[str]:
        before = self._rows[row.turn_id][-1] if self._rows[row.turn_id] else None
        if before is not None and row.attempt < before.attempt:
            yield f"attempt {row.attempt} of turn {row.turn_id} came after attempt {before.attempt}"
        if before is not None and before.state in ENDED and row.state != before.state:
            yield f"turn {row.turn_id} was {before.state}, and then {row.state}"
        if row.state != "working":
            return
        if before is None or before.state != "working":
            if row.attempt <= (0 if before is None else before.attempt):
                yield f"turn {row.turn_id} was claimed again without a higher attempt, {row.attempt}"
        elif row.attempt != before.attempt:
            yield f"attempt {row.attempt} of turn {row.turn_id} began while attempt {before.attempt} worked"
        for other_id in self._working[row.conversation_id] - {row.turn_id}:
            since = self._rows[other_id][-1]
            yield (
                f"turns {other_id} and {row.turn_id} of conversation {row.conversation_id} were both working at "
                f"{row.at_ms}, the former since {since.at_ms} or before"
            )

    def has(self, turn_id: int, attempt: int, *states: str) -> bool:
        """Returns whether an attempt of a turn was stored in one of these states."""
        return any(row.attempt == attempt and row.state in states for row in self._rows[turn_id])

    def working_attempts_at(self, turn_id: int, pos: int) -> set[int]:
        """Returns the attempts of a turn that worked in the transaction with the event `pos`, or right before it."""
        rows = [row for row in self._rows[turn_id] if row.pos < pos]
        if not rows:
            return set()
        began = next(number for number, row in enumerate(rows) if row.pos == rows[-1].pos)
        return {row.attempt for row in rows[max(0, began - 1) :] if row.state == "working"}

    def last(self) -> dict[int, TurnRow]:
        """Returns the last row of each turn."""
        return {turn_id: rows[-1] for turn_id, rows in self._rows.items() if rows}

    def counts(self) -> dict[str, int]:
        last = self.last().values()
        return {
            "turns": len(last),
            "attempts": sum(row.attempt for row in last),
            "failed attempts": sum(row.tries for row in last),
            "changes of turns": self.last_n,
        }
