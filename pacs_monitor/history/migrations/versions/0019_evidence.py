"""What people state of incidents and windows, and the outages that they declare.

Revision ID: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("monitor_id", KEY, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("about", "subject", "what")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("value", "why")),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_evidence_monitor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_monitor_id_about_subject"), "evidence", ["monitor_id", "about", "subject"])
    op.create_table(
        "declared",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("monitor_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("by", "node", "service")),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_declared_monitor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared")),
    )
    op.create_index(op.f("ix_declared_monitor_id"), "declared", ["monitor_id"])
