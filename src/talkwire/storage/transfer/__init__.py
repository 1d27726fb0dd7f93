"""Moving a whole chat: from one database into another, into a backup, and out of it again.

tables.py    which tables move, what their rows look like on the way, and their checksums
source.py    a database that is read, from one snapshot
target.py    a database that is filled
copying.py   from one to the other, with the same epoch
archive.py   a backup's file
backup.py    from a database into a file          restore.py   from a file into a database, with a new epoch
sqlite_file.py   a consistent copy of a SQLite file that a server has open

    MovingError
     ├── SourceError      what is to be moved cannot be, as it is
     ├── TargetError      there is no room for it where it should go
     ├── RowError         one row cannot be stored there; `table` and `key` name it
     ├── MismatchError    what arrived is not what was sent
     └── ArchiveError     the file is no backup, or not a whole one

Text stands in these statements where SQLAlchemy has no words: COPY, TRUNCATE, ANALYZE, settings, the index of words.
"""
