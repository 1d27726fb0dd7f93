"""Moving a whole chat: from one database into another, into a backup, and out of it again.

tables.py    which tables move, what their rows look like on the way, and their checksums
source.py    a database that is read, from one snapshot
target.py    a database that is filled
copying.py   from one to the other, with the same epoch
archive.py   a backup's file
backup.py    from a database into a file          restore.py   from a file into a database, with a new epoch
sqlite_file.py   a consistent copy of a SQLite file that a server has open

    MovingError
     ├── SourceError      the source cannot be moved in its present state
     ├── TargetError      the target cannot take the data: it is not empty, or in use
     ├── RowError         the target cannot store one row; `table` and `key` name it
     ├── MismatchError    what arrived differs from what was sent
     └── ArchiveError     the file is not a backup, or not complete

Text stands in these statements where SQLAlchemy has no words: COPY, TRUNCATE, ANALYZE, settings, the index of words.
"""
