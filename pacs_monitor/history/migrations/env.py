"""Alembic's way in: migrate on the connection that engines.migrate has opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
