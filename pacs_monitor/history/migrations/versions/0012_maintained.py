"""When checks were in planned maintenance.

Revision ID: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "maintained",
        sa.Column("check_id", KEY, nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("announced", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_maintained_check_id")),
        sa.PrimaryKeyConstraint("check_id", "window", "since", name=op.f("pk_maintained")),
    )
