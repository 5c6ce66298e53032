"""Frozen reports, their documents, and what people say of them.

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("monitor_id", KEY, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("data_hash", sa.Text(), nullable=False),
        sa.Column("configurations", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_reports_monitor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("monitor_id", "period", "revision", name=op.f("uq_reports_monitor_id_period_revision")),
    )
    op.create_table(
        "report_documents",
        sa.Column("report_id", KEY, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_documents_report_id")),
        sa.PrimaryKeyConstraint("report_id", "format", name=op.f("pk_report_documents")),
    )
    op.create_index(op.f("ix_report_documents_hash"), "report_documents", ["hash"])
    op.create_table(
        "report_words",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("report_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_words_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_words")),
    )
    op.create_index(op.f("ix_report_words_report_id"), "report_words", ["report_id"])
