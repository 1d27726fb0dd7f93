"""Migration: adds the identities of users who sign in through OpenID providers, and the provider that each sign-in
used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "provider_identities",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_provider_identities"),
    )
    op.create_index("ix_provider_identities_user_id", "provider_identities", ["user_id"])
    op.add_column("logins", sa.Column("issuer", sa.Text))
