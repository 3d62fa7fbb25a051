"""What Alembic runs for every command: the migrations, on the connection that `billing.store.migrate` opened."""

from alembic import context

from billing.store.schema import all_tables

context.configure(connection=context.config.attributes["connection"], target_metadata=all_tables())
context.run_migrations()
