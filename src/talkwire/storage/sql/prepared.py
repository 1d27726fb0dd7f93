"""Prepared reads: queries that are compiled once, since every request runs several of them (see the docstring of
`talkwire.storage.sql`)."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Select

from talkwire.storage.sql.values import AnyRow


class PreparedStatement:
    """A query that is compiled once for each kind of database, which `rows` runs. All its parameters are named, and
    their values are passed to the driver without conversion."""

    __slots__ = ("_compiled", "_statement")

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def text(self, dialect: Dialect) -> str:
        """Returns the query's SQL text in the syntax of the database's driver."""
        return self._of(dialect).text

    def rows(self, connection: Connection, **parameters: object) -> list[AnyRow]:
        compiled = self._of(connection.dialect)
        named, places = compiled.fixed | parameters, compiled.places
        given: Any = named if places is None else tuple(named[name] for name in places)
        return list(connection.exec_driver_sql(compiled.text, given).all())

    def _of(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            # Two threads may both compile it, with the same result.
            compiled = self._compiled[dialect.name] = _compile(self._statement, dialect)
        return compiled


class _Compiled(NamedTuple):
    """A compiled query. `fixed` has the values of the constants in the query, by parameter name. `places` are the names
    of all parameters, constants included, in the order in which the driver takes them; None if it takes them by
    name."""

    text: str
    fixed: dict[str, object]
    places: tuple[str, ...] | None


def _compile(statement: Select[Any], dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    return _Compiled(str(compiled), fixed, tuple(compiled.positiontup or ()) if compiled.positional else None)
