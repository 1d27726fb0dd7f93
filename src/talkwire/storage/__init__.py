"""Stores the chat in SQLite or PostgreSQL: the log (the ordered list of all committed events) and the tables derived
from it. One source serves both databases.

writer.py        the group-committing writer: one thread, one transaction for all commands that are queued
transaction.py   the transaction in which commands change the chat
reader.py        a pool of reader threads; snapshot.py: the read-only view of the database that they use
leases.py        transactions of the nodes: leases, presence, sessions, calls
followers/       background work that reads the log: the search index, notifications of offline users

schema.py        the tables; migrations/: creates and upgrades them; sql/: helpers for writing statements
tables/          one module for each table: rows as values, reads, and the changes that events make to the table
messages/        the same for messages and all tables that belong to them
notifying/       notifications and preferences        catching_up/   reads of the log for one user, the offline queue
projections.py   maps each event to its projection    workspace.py   the uncommitted changes of one transaction

transfer/        copies, backups and restores
"""
