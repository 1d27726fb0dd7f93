"""The two ways in which the storage package sends statements to a database. No module in this package refers to a
particular table.

*Ordinary statements* are SQLAlchemy Core: `select(users).where(…)`, run with `connection.execute`. Statements that do
not depend on arguments are constants of the module that owns the table. Statements that look up many keys take them as
one JSON parameter (`keys.py`). Where the databases differ, one expression is compiled for each (`upsert.py`, `keys.py`,
`storage/clock.py`, `storage/lineage.py`), so that a statement is written once.

*Hot statements* are compiled once and sent to the driver as text, because SQLAlchemy's handling of parameters and
results took longer than the database (docs/decisions/0003-bulk-statements.md). They are named constants too:

- `prepared.PreparedStatement`: a read of which every request makes several;
- `batch.insert_rows` and `batch.update_rows`: the writes that every batch of messages makes.

On PostgreSQL the writes of a batch and the lock of the log's head do not even go over the driver's cursors, but
straight to libpq, several in one round trip (`pipeline.py`).

SQL as text (`sqlalchemy.text`, `literal_column`) is used only where SQLAlchemy has no construct for it, in modules that
say so: full-text search, `ANALYZE`, session settings and locks of migrations and transfers, conditions of partial
indexes.
"""
