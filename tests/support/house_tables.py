"""Tables that hold rows of the house alone, which no tenant can be put into."""

from sqlalchemy import Table


def is_house(table: Table) -> bool:
    """Whether a rule of the table says that every row of it is the house's own."""
    return any(str(rule.name).endswith("_house") for rule in table.constraints)
