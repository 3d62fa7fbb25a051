"""The books of a run, read back from its folder exactly as they were closed: `sim.folder.tables` the other way
round.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from billing.books import Books
from billing.finding import Finding
from billing.metering.classes import CLASSES
from billing.metering.meter import UsageTable
from billing.metering.meters import METER_CODES
from billing.metering.states import HELD, StateTable
from billing.money import BP, INT64_MAX, SECONDS_PER_HOUR, Exact
from billing.months import parse_month
from billing.rating.rate import LineItemTable
from billing.sla.credit import Breach, Key, Outage, ServiceCredit, claim_refund
from billing.sla.exclusions import Excluded, ExcludedTime
from billing.sla.indicators import SlaRow
from billing.usage import STATES, Names
from sim.folder.contract_tables import read_agreed
from sim.folder.run_folder import RunFolder
from sim.folder.tables import SLA_NUMBERS
from sim.result import IntArray


def read_books(run: RunFolder) -> Books:
    """Return the books of a run; without a row if it was not metered.

    Raises:
        SimError: a file of the folder is damaged.
    """
    names = run.names
    sla_rows = run.query("SELECT * FROM sla")
    found = [finding for finding in run.manifest["findings"] if finding["about"] == "books"]
    return Books(
        names=names,
        horizon_s=run.manifest["horizon_s"],
        usage=_usage(names, run.columns("hourly_usage")),
        lines=_lines(names, run.columns("line_items")),
        sla=[_sla_row(names, row) for row in sla_rows],
        credits=[credit for row in sla_rows for credit in _credits(names, row)],
        excluded=[
            Excluded(_key(names, row), ExcludedTime(**time)) for row in sla_rows for time in json.loads(row["excluded"])
        ],
        capacity=_states(names, run.columns("capacity")),
        findings=[Finding(finding["where"], finding["what"], finding["count"]) for finding in found],
        agreed=read_agreed(run.query),
    )


def _usage(names: Names, columns: dict[str, NDArray[Any]]) -> UsageTable:
    return UsageTable(
        tenant=_codes(columns["tenant"], names.tenants),
        hour_s=columns["hour_s"],
        region=_codes(columns["region"], names.regions),
        sku=_codes(columns["sku"], names.skus),
        product=_codes(columns["product"], names.products),
        meter=_codes(columns["meter"], METER_CODES),
        charge_class=_codes(columns["charge_class"], CLASSES),
        factor_bp=columns["factor_bp"],
        quantity=columns["quantity"],
    )


def _lines(names: Names, columns: dict[str, NDArray[Any]]) -> LineItemTable:
    numerators = list(map(int, columns["amount_numerator"].tolist()))
    fits = max(numerators, default=0) <= INT64_MAX
    return LineItemTable(
        tenant=_codes(columns["tenant"], names.tenants),
        hour_s=columns["hour_s"],
        product=_codes(columns["product"], names.products),
        sku=_codes(columns["sku"], names.skus),
        region=_codes(columns["region"], names.regions),
        quantity=columns["quantity"],
        unit_price_micro_usd=columns["unit_price_micro_usd"],
        numerator=np.array(numerators, dtype=np.int64 if fits else object),
        amount_micro_usd=columns["amount_micro_usd"],
        meter=_codes(columns["meter"], METER_CODES),
        charge_class=_codes(columns["charge_class"], CLASSES),
        factor_bp=columns["factor_bp"],
        denominator=int(columns["amount_denominator"][0]) if numerators else SECONDS_PER_HOUR,
    )


def _states(names: Names, columns: dict[str, NDArray[Any]]) -> StateTable:
    state_names = (*STATES, *(f"{HELD}{product}" for product in names.products))
    return StateTable(
        state_names=state_names,
        hour_s=columns["hour_s"],
        region=_codes(columns["region"], names.regions),
        sku=_codes(columns["sku"], names.skus),
        state=_codes(columns["state"], state_names),
        gpu_s=columns["gpu_s"],
    )


def _key(names: Names, row: dict[str, Any]) -> Key:
    return Key(names.tenants.index(row["tenant"]), names.products.index(row["product"]), parse_month(row["month"]))


def _sla_row(names: Names, row: dict[str, Any]) -> SlaRow:
    return SlaRow(*_key(names, row), terms=row["terms"], **{name: row[name] for name in SLA_NUMBERS})


def _credits(names: Names, row: dict[str, Any]) -> Iterator[ServiceCredit]:
    """Yield the credit for availability and the one for evictions, where there is one."""
    key, refund = _key(names, row), row["refund_micro_usd"]
    if row["evidence"] is not None:
        yield ServiceCredit(
            key=key,
            terms=row["terms"],
            credit_bp=BP if row["basis"] == "lost_seconds" else row["credit_bp"],
            charge=Exact(int(row["charge_numerator"]), row["charge_denominator"]),
            exact=Exact(int(row["credit_numerator"]), row["credit_denominator"]),
            amount_micro_usd=row["credit_micro_usd"] - refund,
            evidence=tuple(Outage(**outage) for outage in json.loads(row["evidence"])),
            basis=row["basis"],
        )
    if row["refund_evidence"] is not None:
        numerator, denominator = int(row["refund_numerator"]), row["refund_denominator"]
        breaches = [Breach(**breach) for breach in json.loads(row["refund_evidence"])]
        credit = claim_refund(key, Exact(numerator // BP, denominator // BP), breaches)
        yield credit._replace(amount_micro_usd=refund)


def _codes(words: NDArray[Any], known: Sequence[str]) -> IntArray:
    """Return the dense index of each word, (n,) int64."""
    code_of = {word: code for code, word in enumerate(known)}
    return np.fromiter(map(code_of.__getitem__, words.tolist()), dtype=np.int64, count=len(words))
