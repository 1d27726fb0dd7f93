"""Moves a whole chat from one database to another (copy), into a file (backup) and from a file into a database
(restore).

tables.py    the tables that are moved, the format of their rows, and checksums
source.py    a database that is read, from one snapshot
target.py    a database that is filled
copying.py   copies one database into another, with the same epoch
archive.py   the file format of a backup
backup.py    writes a database into a file        restore.py   reads a file into a database, with a new epoch
sqlite_file.py   makes a consistent copy of a SQLite file that a server has open

    MovingError
     ├── SourceError      the source cannot be moved in its present state
     ├── TargetError      the target cannot take the data: it is not empty, or in use
     ├── RowError         the target cannot store one row; `table` and `key` name it
     ├── MismatchError    the rows that arrived differ from those that were sent
     └── ArchiveError     the file is not a backup, or not complete

Statements are SQL text where SQLAlchemy has no construct: COPY, TRUNCATE, ANALYZE, settings, the index of words.
"""
