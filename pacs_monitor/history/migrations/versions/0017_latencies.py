"""Runs counted against agreed limits.

Revision ID: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "latencies",
        sa.Column("check_id", KEY, nullable=False),
        sa.Column("objective", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("within", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.Column("slow", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_latencies_check_id")),
        sa.PrimaryKeyConstraint("check_id", "objective", "measure", "within", "day", name=op.f("pk_latencies")),
    )
    op.create_index(op.f("ix_latencies_day"), "latencies", ["day"])
