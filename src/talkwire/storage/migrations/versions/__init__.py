"""The database migrations: one module for each revision of the tables, in order."""
