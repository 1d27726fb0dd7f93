"""The log and the tables, on SQLite or PostgreSQL, from one source (SQLAlchemy Core).

writer.py        the group-committing writer: one thread, one transaction for all that is queued
transaction.py   the transaction that the domain's changes are carried out in
reader.py        a pool of reader threads; snapshot.py: what they can be asked
schema.py        the tables; migrations/: how a database gets them
"""
