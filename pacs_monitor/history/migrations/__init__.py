"""Alembic migrations of the history, from any earlier schema to the present one."""
