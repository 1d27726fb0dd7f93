"""The log and the tables, on SQLite or PostgreSQL, from one source.

writer.py        the group-committing writer: one thread, one transaction for all commands that are queued
transaction.py   the transaction in which commands change the chat
reader.py        a pool of reader threads; snapshot.py: what they can read
leases.py        transactions of the nodes: leases, presence, sessions, calls
followers/       work behind the log: the search index, notifications of offline users

schema.py        the tables; migrations/: how a database gets them; sql/: how statements are written
tables/          one module a table: rows as values, reads, and what events do to them; so are the further packages
messages/        messages and what belongs to them
notifying/       notifications and preferences        catching_up/   the log as a user reads it, the offline queue
projections.py   which module handles which event     workspace.py   what one transaction has changed so far

transfer/        copies, backups and restores
"""
