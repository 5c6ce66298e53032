"""What people say of an incident stands beside it.

The tables that were made for acknowledgements, windows and pauses before anybody could say them were never written to.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name in ("acknowledgement", "public_note"):
        op.add_column("incidents", sa.Column(name, sa.Text(), nullable=True))
    for name in ("acknowledgements", "maintenance", "pauses"):
        op.drop_table(name)
