"""Test objects per node, how many each node was sent, and what makes an installation's UIDs its own.

The first form of the table was never written to.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("monitors", sa.Column("seed", sa.Text(), server_default="", nullable=False))
    op.drop_index(op.f("ix_test_objects_check_id"), "test_objects")
    op.drop_table("test_objects")
    op.create_table(
        "test_objects",
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("check_id", KEY, nullable=False),
        sa.Column("sop_class_uid", sa.Text(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("series_instance_uid", sa.Text(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("missed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_test_objects_check_id")),
        sa.PrimaryKeyConstraint("sop_instance_uid", "node", name=op.f("pk_test_objects")),
    )
    op.create_index(op.f("ix_test_objects_check_id"), "test_objects", ["check_id"], unique=False)
    op.create_table(
        "test_stores",
        sa.Column("id", KEY, nullable=False),
        sa.Column("monitor_id", KEY, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_test_stores_monitor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_stores")),
    )
    op.create_index(
        op.f("ix_test_stores_monitor_id_node_at"), "test_stores", ["monitor_id", "node", "at"], unique=False
    )
