"""Columns that several tables of a run folder share."""

from collections.abc import Sequence

import numpy as np

from billing.columns import row_keys
from billing.usage import Names
from sim.folder.parquet import Column, Labels
from sim.result import IntArray, World
from tenants.band import Band

Columns = dict[str, Column]
BANDS = tuple(band.name.lower() for band in Band)


def party(world: World, tenant: IntArray, product: IntArray) -> Columns:
    """Who holds or wants GPUs, and on which terms: tenant, band and product, from their indices, (n,) each."""
    band_of_product = column([row.band for row in world.products])
    return {
        "tenant": Labels(tenant, world.names.tenants),
        "band": Labels(band_of_product[product], BANDS),
        "product": Labels(product, world.names.products),
    }


def place(names: Names, region: IntArray, sku: IntArray) -> Columns:
    """Where: SKU and region, from their indices, (n,) each."""
    return {"sku": Labels(sku, names.skus), "region": Labels(region, names.regions)}


def column(values: Sequence[int]) -> IntArray:
    """Ints as a column, (n,) int64."""
    return np.array(values, dtype=np.int64)


def looked_up(job: IntArray, at_s: IntArray, known_job: IntArray, known_at_s: IntArray, value: IntArray) -> IntArray:
    """Return the value that is known for each (job, time), (n,); -1 where none is. Cost: O((n + m) log m)."""
    keys = row_keys(np.concatenate([job, known_job]), np.concatenate([at_s, known_at_s]))
    mine, known = keys[: len(job)], keys[len(job) :]
    if not len(known):
        return np.full(len(mine), -1, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    place = order[np.minimum(np.searchsorted(known[order], mine), len(known) - 1)]
    return np.where(known[place] == mine, value[place], -1)
