"""Since when a member of an incident flaps, until when it did, and whether a channel was notified of that.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("flapping", "calm"):
        op.add_column("members", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("notified", sa.Column("flapping", sa.Boolean(), nullable=False, server_default=sa.false()))
