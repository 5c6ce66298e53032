"""The code by which people answer the pages of an incident.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("code", sa.Text(), nullable=False, server_default=""))
