"""Incidents carry a version, so that a writing that comes late does no harm.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("version", sa.Integer(), server_default="0", nullable=False))
