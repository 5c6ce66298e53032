"""The constancy log: each test transmission of the checks that it names, and what people explain.

Revision ID: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "constancy_runs",
        sa.Column("check_id", KEY, nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sop_class_uid", "sop_instance_uid", "verify")),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("store_seconds", sa.Float(), nullable=True),
        sa.Column("available_seconds", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_constancy_runs_check_id")),
        sa.PrimaryKeyConstraint("check_id", "started", name=op.f("pk_constancy_runs")),
    )
    op.create_table(
        "constancy_explanations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("monitor_id", KEY, nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_constancy_explanations_monitor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_constancy_explanations")),
    )
    op.create_index(
        op.f("ix_constancy_explanations_monitor_id_log_day"),
        "constancy_explanations",
        ["monitor_id", "log", "day"],
        unique=False,
    )
