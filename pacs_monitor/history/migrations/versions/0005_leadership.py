"""Which daemon of a name leads, and what one that led hands over.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("monitors", sa.Column("term", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("monitors", sa.Column("beat", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "orphans",
        sa.Column("id", KEY, nullable=False),
        sa.Column("monitor_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_orphans_monitor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orphans")),
    )
    op.create_index(op.f("ix_orphans_monitor_id"), "orphans", ["monitor_id"], unique=False)
