"""One log for two tenants: what acme did is fixed, what the other one did, and is called, is the secret.

Everything that acme can be given of it comes out as steps of bytes: every export, every SLA page, every explanation.
"""

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from billing.closing.find_line import explain_named
from billing.closing.month import Basis
from billing.closing.of_log import LogBasis, basis_of
from billing.documents.bill import csv_text
from billing.documents.bundle import bundle_of
from billing.documents.explanation import explanation_json, explanation_text, hours_table
from billing.documents.export import EXPORTS
from billing.documents.sla import sla_html, sla_json
from billing.documents.sla_evidence import evidence_rows, reports_json
from billing.log.event import Event, chained
from billing.sla.report import sla_reports
from billing.terms import Terms
from billing_facts import HOUR_S, PRICES, price_book
from sim.folder.export_files import write_files
from tenants.registry import Registry
from told_events import EPOCH_S, Fact, ended, started, unix
from two_worlds import Step

ME, OTHER = "acme", "birch"
END_S = EPOCH_S + 12 * HOUR_S
TIERED = {
    "model": "graduated",
    "product": "bare.spot",
    "sku": "*",
    "from": "2026-02-01T00:00:00Z",
    "tiers": [{"up_to": "4", "unit_price": "3"}, {"up_to": "20", "unit_price": "2"}, {"unit_price": "1"}],
}
TOKENS = {"meter": "tokens_out", "product": "*", "sku": "*", "from": "2025-01-01T00:00:00Z", "unit_price": "15"}
# A product that another tenant alone may have, at a price of its own.
BLOCK = {
    "code": "block",
    "band": "RESERVED",
    "guarantee_s": 0,
    "rolling": False,
    "notice_s": 0,
    "whole_nodes": True,
    "requeue": True,
    "checkpoint_s": 0,
    "checkpoint_write_s": 0,
    "restart_s": 0,
}
AGREED = {"product": "block", "sku": "*", "region": "*", "from": "2025-01-01T00:00:00Z", "usd_per_gpu_hour": "1.01"}
NOBODY: dict[str, Any] = {"id": OTHER, "name": "Birch", "facts": (), "contract": None}


def terms_with(secrets: Mapping[str, Any], regions: Mapping[str, Sequence[str]] | None = None) -> Terms:
    """The terms: two renters and a lab, tiers for spot, refunds for early evictions, a contract of each.

    `regions`: where the work of a tenant may be, if not everywhere.
    """
    mine_only = {"regions": list(regions[ME])} if regions else {}
    mine = contract("acme-block", ME)
    registry = Registry.from_mapping(
        {
            "tenant": [
                {"id": "lab", "name": "Lab", "kind": "internal"},
                {"id": ME, "name": "Acme", "kind": "external", **mine_only},
                {"id": secrets["id"], "name": secrets["name"], "kind": "external"},
            ],
            "product": [
                {"code": "int.research"},
                {"code": "bare.ondemand", "sla": "target_9950", "notice_s": 600, "refund_s": 300},
                {"code": "bare.spot", "notice_s": 60, "refund_s": 300},
                {"code": "bare.reserved", "sla": "target_9990"},
                *([BLOCK] if secrets["contract"] else []),
            ],
            "contract": [mine, *([secrets["contract"]] if secrets["contract"] else [])],
            "wallet": [
                {"id": "acme-gift", "tenant": ME, "amount": "5"},
                *(
                    [{"id": f"w-{secrets['contract']['id']}", "tenant": secrets["id"], "amount": "7", "paid": True}]
                    if secrets["contract"]
                    else []
                ),
            ],
        }
    )
    agreed = [AGREED] if secrets["contract"] else []
    return Terms(registry, price_book([*PRICES, TIERED, TOKENS, *agreed]), epoch_s=EPOCH_S)


def contract(id_: str, tenant: str, product: str = "bare.reserved") -> dict[str, Any]:
    """A small block."""
    return {
        "id": id_,
        "tenant": tenant,
        "product": product,
        "region": "eu",
        "sku": "h100",
        "nodes": 1,
        "gpus_per_node": 8,
        "from_s": 0,
        "until_s": 6 * HOUR_S,
        "charge": "term",
        "prepayment": "20",
    }


def my_facts() -> list[Fact]:
    """What acme did: tiers, a fault with a credit, an eviction with one, tokens, a degraded GPU, excluded time."""
    gone = {"allocation": "a2", **unix(noticed_s=8_990, guaranteed_until_s=0)}
    down = {"outage": "o1", "job": "job-a1", "product": "bare.ondemand", "gpus": 8}
    slow = {"allocation": "a3", "gpus": 1, "factor_bp": 6_000, **unix(from_s=10_000, until_s=11_000)}
    where = {"product": "bare.spot", "region": "eu", "sku": "h100"}
    tokens = {"meter": "tokens_out", "quantity": 12_345, **where, **unix(from_s=200, until_s=7_000)}
    away = {"product": "*", "cause": "maintenance", "region": "eu", **unix(from_s=12_000, until_s=12_600)}
    return [
        started(0, "a1"),
        started(100, "a2", gpus=4, product="bare.spot", gpu_ids=["n1/0", "n1/1", "n1/2", "n1/3"]),
        ("usage.metered", 200, ME, tokens),
        ended(3_000, "a1", cause="node_fault"),
        ("outage.started", 3_000, ME, down),
        ("outage.ended", 5_600, ME, down),
        ("preemption.executed", 9_000, ME, gone),
        ended(9_000, "a2", cause="evicted"),
        started(9_500, "a3", gpus=2),
        ("gpus.degraded", 11_000, ME, slow),
        ("sla.excluded", 12_600, "*", away),
        ended(14_000, "a3"),
        started(12_000, "a4", gpus=4, product="bare.spot"),
        ended(20_000, "a4"),
    ]


def facts_of_others(seed: int, tenant: str = OTHER, word: str = "") -> tuple[Fact, ...]:
    """Somebody else's life, that can be billed: allocations, faults, evictions, tokens; `word` stands in every id."""
    rng = random.Random(seed)
    found: list[Fact] = []
    for number in range(rng.randint(1, 5)):
        id_ = f"b{number}{word}"
        at_s, gpus = rng.randrange(3 * HOUR_S), rng.randint(1, 64)
        until_s = at_s + rng.randint(60, 3 * HOUR_S)
        product = rng.choice(("bare.spot", "bare.spot", "bare.ondemand"))
        found.append(started(at_s, id_, tenant, gpus, product=product, region=rng.choice(("eu", "us"))))
        if rng.random() < 0.5:
            down = {"outage": f"o-{id_}", "job": f"job-{id_}", "product": product, "gpus": gpus}
            found.append(ended(until_s, id_, tenant, "node_fault"))
            found += [
                (f"outage.{edge}", at, tenant, down) for edge, at in (("started", until_s), ("ended", until_s + 900))
            ]
        else:
            gone = {"allocation": id_, **unix(noticed_s=until_s - 1, guaranteed_until_s=0)}
            found += [("preemption.executed", until_s, tenant, gone), ended(until_s, id_, tenant, "evicted")]
        used = {
            "meter": "tokens_out",
            "quantity": rng.randint(1, 10**6),
            "product": product,
            "region": "eu",
            "sku": "h100",
        }
        found.append(("usage.metered", at_s, tenant, {**used, **unix(from_s=at_s, until_s=until_s)}))
    return tuple(sorted(found, key=lambda fact: fact[1]))


def log_of(facts: Sequence[Fact], more: Sequence[Event] = ()) -> list[Event]:
    """One source that tells of everybody, and says that it has ended. An event is named by what it says."""
    own = sorted([*my_facts(), *facts], key=lambda fact: fact[1])
    count: dict[str, int] = {}
    rows = []
    for kind, at_s, tenant, data in own:
        count[tenant] = count.get(tenant, 0) + 1
        rows.append((f"{tenant}-{count[tenant]}", kind, EPOCH_S + at_s, tenant, data))
    return [*chained("scheduler", [*rows, ("end", "source.ended", END_S, "operator", {})]), *more]


def reported(tenant: str, *facts: Fact) -> list[Event]:
    """Events of the source of a tenant's own reports."""
    rows = [(f"r{n}", kind, EPOCH_S + at_s, whose, data) for n, (kind, at_s, whose, data) in enumerate(facts)]
    return list(chained(f"api/{tenant}", rows))


def billed(secrets: Mapping[str, Any], more: Sequence[Event] = ()) -> LogBasis:
    """The books of the log."""
    return basis_of(log_of(secrets["facts"], more), terms_with(secrets))


def shown_to_me(found: LogBasis, formats: Sequence[str] = tuple(EXPORTS)) -> Iterator[Step]:
    """Everything that acme is given: (what, bytes)."""
    basis = found.basis
    assert isinstance(basis, Basis), basis
    assert basis.books.findings == [], basis.books.findings
    bundle = bundle_of(basis, "Spillway", ME)
    assert len(bundle.invoices) == 2, "acme has an invoice in both months"
    for name in formats:
        for file, parts in EXPORTS[name](bundle):
            yield f"{name}: {file}", text_of_pdf(b"".join(parts)) if name == "pdf" else b"".join(parts)
    with tempfile.TemporaryDirectory() as folder:
        for entry in write_files(bundle, "parquet", Path(folder) / "out"):
            yield f"parquet: {entry['file']}", parquet_text(Path(folder) / "out" / entry["file"])
    for each in bundle.invoices:
        for line in each.invoice.lines:
            told = explain_named(basis, f"{each.invoice.number}/{line.number}", found.held)
            text = [explanation_text(told), str(explanation_json(told)), csv_text(hours_table(told))]
            yield f"explain {each.invoice.number}/{line.number}", "\n".join(text).encode()
    books = basis.books
    me = books.names.tenants.index(ME)
    rows = [row for row in books.sla if row.tenant == me]
    credits = [credit for credit in books.credits if credit.key.tenant == me]
    yield "sla page", sla_html(books.names, rows, credits).encode()
    yield "sla data", str(sla_json(books.names, rows, credits)).encode()
    reports = sla_reports(books.names, rows, credits, books.excluded)
    assert any(level.excluded for report in reports for level in report.levels), "no excluded time is shown"
    yield "sla evidence", csv_text(evidence_rows(reports)).encode()
    yield "sla reports", str(reports_json(reports)).encode()


def text_of_pdf(raw: bytes) -> bytes:
    """What a PDF says, its title and its authors included."""
    from io import BytesIO

    from pypdf import PdfReader

    reader = PdfReader(BytesIO(raw))
    return "\n".join([*(page.extract_text() for page in reader.pages), str(reader.metadata)]).encode()


def parquet_text(path: Path) -> bytes:
    """Everything that a Parquet file says: its rows, its columns and its own notes."""
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT * FROM read_parquet('{path}')")
        text = [str(rows.description), *map(str, rows.fetchall())]
        notes = connection.execute(f"SELECT * FROM parquet_kv_metadata('{path}')").fetchall()
    return "\n".join([*text, *(f"{key!r} {value!r}" for _, key, value in notes)]).encode()
