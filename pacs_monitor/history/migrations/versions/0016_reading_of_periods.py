"""Indexes by which a report reads its period alone.

Revision ID: 0016
"""

from alembic import op

revision = "0016"
down_revision = "0013"


def upgrade() -> None:
    op.create_index(op.f("ix_transitions_check_id_id"), "transitions", ["check_id", "id"])
    op.create_index(op.f("ix_transitions_since"), "transitions", ["since"])
