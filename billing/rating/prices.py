"""The price book: dated prices by product, SKU, region and meter. An unknown price is an error, never 0.

A row applies from its `from` until its `until`, or until a later row of the same key takes over. `"*"` stands for any
product, SKU or region. For an hour, the row is chosen among those that apply at the start of that hour: the most
specific first (a named product outweighs a named SKU, which outweighs a named region), then the latest `from`. Products
are looked up under their price plan, which is their own code unless the registry says otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from billing.columns import group_rows, row_keys
from billing.errors import PriceError
from billing.metering.meter import UsageTable
from billing.metering.meters import GPU_S, METER_CODES
from billing.months import utc_text
from billing.rating.price_row import ANY, Key, PriceRow, key_of
from billing.rating.row_check import require_row, require_sequence
from billing.toml_rows import read_row
from billing.usage import IntArray, Names

NO_ROW = -1
_KEYS_MAX = 1 << 16  # a table of prices may be that long


class Priced(Protocol):
    """What a price is looked up by: the columns that hourly usage and line items have in common, (n,) int64 each."""

    @property
    def product(self) -> IntArray: ...
    @property
    def sku(self) -> IntArray: ...
    @property
    def region(self) -> IntArray: ...
    @property
    def meter(self) -> IntArray: ...
    @property
    def hour_s(self) -> IntArray: ...


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Price rows, checked against each other. Make one with `from_rows` or `from_mappings`."""

    rows: tuple[PriceRow, ...]

    @classmethod
    def from_rows(cls, rows: Sequence[PriceRow], *, file: str | None = None) -> Self:
        """Return a book of `rows`.

        Raises:
            PriceError: a row that its model cannot price; two rows of one key that apply at once, or that leave time
                between them without a price.
        """
        for number, row in enumerate(rows):
            require_row(row, f"price[{number}]", file)
        require_sequence(rows, file)
        return cls(tuple(rows))

    @classmethod
    def from_mappings(cls, rows: Sequence[Mapping[str, Any]], *, file: str | None = None) -> Self:
        """Return a book of rows as TOML or JSON gives them.

        Raises:
            PriceError: naming the row, the key, what was found and what is allowed.
        """
        return cls.from_rows(
            [read_row(PriceRow, row, f"price[{number}]", file) for number, row in enumerate(rows)], file=file
        )

    def row_at(self, product: str, sku: str, region: str, at_unix_s: int, meter: str = METER_CODES[GPU_S]) -> PriceRow:
        """Return the row that prices a unit at a time. `product` is a price plan.

        Raises:
            PriceError: no row applies.
        """
        key = product, sku, region, meter
        applying = [row for row in self._matching(key) if row.from_unix_s <= at_unix_s < row.until_unix_s]
        if not applying:
            raise self._unknown(key, at_unix_s)
        return max(applying, key=lambda row: (_specificity(row), row.from_unix_s))

    def price_at(self, product: str, sku: str, region: str, at_unix_s: int) -> int:
        """Return the price of one GPU-hour at a time, in micro-units; see `PriceRow.micro_at`. Raises as `row_at`."""
        return self.row_at(product, sku, region, at_unix_s).micro_at(at_unix_s)

    def require_prices(self, product: str, sku: str, region: str, from_unix_s: int, until_unix_s: int) -> None:
        """Refuse a stretch of time in which a GPU-hour has no price, at its start or after some row has ended.

        Raises:
            PriceError: naming the first time without a price.
        """
        self.row_at(product, sku, region, from_unix_s)
        change_s, holds = self._timeline((product, sku, region, METER_CODES[GPU_S]))
        # Hours are priced at their start, so a row that ends inside one still prices it; equal times: the last holds.
        for at_s in dict.fromkeys(change_s[holds == NO_ROW].tolist()):
            if from_unix_s < at_s < until_unix_s:
                self.row_at(product, sku, region, at_s)

    def row_numbers(self, names: Names, usage: Priced, plans: Sequence[str] | None = None) -> IntArray:
        """Return which of `rows` prices each row of `usage` at the start of its hour, (n,) int64.

        `plans` holds the price plan of each of `names.products`; by default their own codes.

        Raises:
            PriceError: a row has no price.
        """
        at_unix_s = names.epoch_s + usage.hour_s
        if (steady := self._steady_numbers(names, usage, at_unix_s, plans)) is not None:
            return steady
        numbers = np.empty(len(at_unix_s), dtype=np.int64)
        order, first = group_rows(usage.product, usage.sku, usage.region, usage.meter)
        for rows in np.split(order, first[1:]) if len(first) else ():
            key = _key_of(names, usage, int(rows[0]), plans)
            change_s, holds = self._timeline(key)
            step = np.searchsorted(change_s, at_unix_s[rows], side="right")
            numbers[rows] = np.concatenate(([NO_ROW], holds))[step]
            if (unpriced := numbers[rows] == NO_ROW).any():
                raise self._unknown(key, int(at_unix_s[rows][unpriced].min()))
        return numbers

    def _steady_numbers(
        self, names: Names, usage: Priced, at_unix_s: IntArray, plans: Sequence[str] | None
    ) -> IntArray | None:
        """As `row_numbers` where no price changes within the hours: looked up, not sorted. None where one does."""
        key = row_keys(usage.product, usage.sku, usage.region, usage.meter)
        if len(key) == 0 or int(key.max()) >= _KEYS_MAX:
            return None
        row_of = np.full(int(key.max()) + 1, NO_ROW)
        row_of[key] = np.arange(len(key))  # some row of each key
        ends = np.array([at_unix_s.min(), at_unix_s.max()])
        table = np.full(len(row_of), NO_ROW)
        for each in np.flatnonzero(row_of != NO_ROW).tolist():
            change_s, holds = self._timeline(_key_of(names, usage, int(row_of[each]), plans))
            begin, end = np.searchsorted(change_s, ends, side="right").tolist()
            if begin != end or begin == 0 or holds[begin - 1] == NO_ROW:
                return None  # a change, or an hour without a price: the long way says which
            table[each] = holds[begin - 1]
        return table[key]

    def micro_of(self, names: Names, usage: Priced, numbers: IntArray) -> IntArray:
        """Return the price of a unit of each row of `usage` under the rows `numbers`, (n,) int64 micro-units.

        Of a row with tiers or packages it is the price of the first unit.
        """
        price = np.array([row.micro_usd for row in self.rows], dtype=np.int64)[numbers]
        for number, row in enumerate(self.rows):
            if row.series_micro:
                rows = np.flatnonzero(numbers == number)
                change_s, micro = np.array(row.series_micro, dtype=np.int64).T
                price[rows] = micro[np.searchsorted(change_s, names.epoch_s + usage.hour_s[rows], side="right") - 1]
        return price

    def unit_prices(self, names: Names, usage: UsageTable, plans: Sequence[str] | None = None) -> IntArray:
        """Return the price of each row of `usage` at the start of its hour, (n,) int64 micro-units per priced unit.

        Arguments and errors as `row_numbers`.
        """
        return self.micro_of(names, usage, self.row_numbers(names, usage, plans))

    def unmatched(self, names: Names, plans: Sequence[str] | None = None) -> list[PriceRow]:
        """Return the rows that name a product, SKU or region outside `names`: a general book, or a slip of the pen."""
        products = {ANY, *(names.products if plans is None else plans)}
        skus, regions = {ANY, *names.skus}, {ANY, *names.regions}
        return [
            row for row in self.rows if row.product not in products or row.sku not in skus or row.region not in regions
        ]

    def change_times(self) -> list[int]:
        """Return the Unix times at which some price begins, ascending."""
        begins = {row.from_unix_s for row in self.rows}
        return sorted(begins.union(at_s for row in self.rows for at_s, _ in row.series_micro))

    def ends(self) -> list[int]:
        """Return the Unix time at which each row ends: its `until`, or where the next row of its key begins."""
        ends = [row.until_unix_s for row in self.rows]
        next_of: dict[Key, int] = {}
        for number in sorted(range(len(ends)), key=lambda number: -self.rows[number].from_unix_s):
            row = self.rows[number]
            ends[number] = min(ends[number], next_of.get(key_of(row), ends[number]))
            next_of[key_of(row)] = row.from_unix_s
        return ends

    def _matching(self, key: Key) -> list[PriceRow]:
        """Return the rows that can ever price a key, in the order of the book."""
        return [
            row for row in self.rows if all(word in (asked, ANY) for word, asked in zip(key_of(row), key, strict=True))
        ]

    def _timeline(self, key: Key) -> tuple[IntArray, IntArray]:
        """Return (times of change, ascending; the number of the row that holds from each on, or NO_ROW).

        One pass, since a spot series may bring a row per hour: the row in force of each specificity is kept, and the
        most specific of them holds. A row that ends makes room before another one of its key begins.
        """
        number_of = {id(row): number for number, row in enumerate(self.rows)}
        edges = sorted(
            (at_s, begins, number_of[id(row)])
            for row in self._matching(key)
            for at_s, begins in ((row.until_unix_s, False), (row.from_unix_s, True))
        )
        in_force: dict[tuple[bool, bool, bool], int] = {}
        change_s, holds = [], []
        for at_s, begins, number in edges:
            place = _specificity(self.rows[number])
            if begins:
                in_force[place] = number
            elif in_force.get(place) == number:
                del in_force[place]
            change_s.append(at_s)
            holds.append(in_force[max(in_force)] if in_force else NO_ROW)
        return np.array(change_s, dtype=np.int64), np.array(holds, dtype=np.int64)

    def _unknown(self, key: Key, at_unix_s: int) -> PriceError:
        """Return the refusal of a key at a time, with the reason: the row that has ended, or that begins later."""
        what = f"no price for product {key[0]}, sku {key[1]}, region {key[2]} at {utc_text(at_unix_s)}"
        what += "" if key[3] == METER_CODES[GPU_S] else f", meter {key[3]}"
        near = self._matching(key)
        ended = [row for row in near if row.until_unix_s <= at_unix_s]
        if ended:
            last = max(ended, key=lambda row: row.until_unix_s)
            what += f"; price[{self.rows.index(last)}] ended at {utc_text(last.until_unix_s)}"
        elif near:
            first = min(near, key=lambda row: row.from_unix_s)
            what += f"; price[{self.rows.index(first)}] begins at {utc_text(first.from_unix_s)}"
        allowed = "a [[price]] row that applies; a price of 0 must be written down"
        return PriceError(what, code="unknown_price", allowed=allowed)


def _specificity(row: PriceRow) -> tuple[bool, bool, bool]:
    return row.product != ANY, row.sku != ANY, row.region != ANY


def _key_of(names: Names, usage: Priced, row: int, plans: Sequence[str] | None) -> Key:
    """Return what a row of usage is looked up by."""
    plan = (names.products if plans is None else plans)[usage.product[row]]
    return plan, names.skus[usage.sku[row]], names.regions[usage.region[row]], METER_CODES[usage.meter[row]]
