"""What deletion leaves: no table is forgotten."""

from billing.store import purge
from billing.store.schema import all_tables
from tenants.access.lifecycle import RETENTION_S


def test_every_table_has_a_category() -> None:
    """Whoever adds a table says what becomes of it when a tenant is deleted."""
    tables = all_tables().tables
    assert set(tables) <= set(purge.CATEGORIES)
    told = {name for name, category in purge.CATEGORIES.items() if category != "told"}
    gone = {name for name in told & set(tables) if RETENTION_S[purge.CATEGORIES[name]] is not None}  # type: ignore[index]
    assert all("tenant" in tables[name].c for name in gone)
