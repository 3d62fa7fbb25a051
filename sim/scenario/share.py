"""A row of the fair tree, as scenarios write it."""

from typing import Annotated

from pydantic import Field

from tenants.model import Id, Record


class Share(Record):
    """Shares of a tenant, or of an account that stands for several, among its siblings."""

    id: Id
    parent: Id | None = None
    shares: Annotated[int, Field(ge=0, le=10**6)] = 1
