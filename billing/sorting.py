"""Sorting rows by whole numbers, as fast as numpy can."""

import numpy as np

from billing.usage import IntArray


def stable_order(key: IntArray) -> tuple[IntArray, IntArray]:
    """Return the rows in ascending order of their keys (0 or more), equal keys in their own order; and the keys so.

    Where key and row fit one int64, that is sorted: several times faster than a stable sort of indices.
    """
    bits = max(len(key) - 1, 1).bit_length()
    if len(key) == 0 or int(key.max()) >> (63 - bits):
        order = np.argsort(key, kind="stable").astype(np.int64)
        return order, key[order]
    packed = (key << bits) | np.arange(len(key))
    packed.sort()
    return packed & ((1 << bits) - 1), packed >> bits
