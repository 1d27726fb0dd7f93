"""The script that Alembic executes to run migrations. Uses the connection that `migrate` provides."""

from __future__ import annotations

from alembic import context

from talkwire.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a table in place.
    render_as_batch=True,
)
context.run_migrations()
