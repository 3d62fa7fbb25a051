"""Hours of many tenants at the bound of what fits: none takes room from another."""

import numpy as np
import pytest

from billing.errors import UsageError
from billing.metering.sums import add_up, metered_usage
from billing.money import INT64_MAX
from billing.usage import MeteredTable


def reported(*rows: tuple[int, int]) -> MeteredTable:
    """(tenant, quantity), all in one hour."""
    tenant, quantity = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    none = np.zeros_like(tenant)
    return MeteredTable(tenant, none, none, none, none, none, quantity)


def test_tenants_at_the_bound_are_added_up_each_for_itself() -> None:
    total = add_up(metered_usage(reported(*((tenant, INT64_MAX) for tenant in range(500)))))
    assert total.tenant.tolist() == list(range(500))
    assert total.quantity.tolist() == [INT64_MAX] * 500


def test_one_tenant_above_the_bound_is_refused_and_never_wraps_around() -> None:
    assert add_up(metered_usage(reported((0, INT64_MAX - 1), (1, 5), (0, 1)))).quantity.tolist() == [INT64_MAX, 5]
    with pytest.raises(UsageError, match="too large for one hour"):
        add_up(metered_usage(reported((0, INT64_MAX), (1, 5), (0, 1))))
