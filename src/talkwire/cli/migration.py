"""The command `talkwire migrate`, which changes the database's tables to those of this version."""

from __future__ import annotations

from talkwire.cli.database import database_failures, owned_database, printable_database, url_of
from talkwire.cli.flags import CHAT_SETTINGS, Flag, load, takes_settings
from talkwire.cli.output import print_result
from talkwire.datafolder import prepare_folder
from talkwire.storage.engine import writing_engine
from talkwire.storage.migrations import migrate, newest_revision


@takes_settings(*CHAT_SETTINGS)
def migrate_database(**flags: Flag) -> None:
    """Migrate the database to the tables of this version. `serve` does the same when it starts."""
    settings = load(flags).settings
    if settings.sqlite_file is not None:
        prepare_folder(settings.data)
    with owned_database(settings), database_failures(settings):
        engine = writing_engine(url_of(settings))
        try:
            migrate(engine)
        finally:
            engine.dispose()
    print_result(f"{printable_database(settings)} has the tables of version {newest_revision()}.")
