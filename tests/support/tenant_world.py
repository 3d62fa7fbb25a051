"""A store with tenants in it, for attacks: everything that a tenant can have, once for "own" and once for "other".

The other tenant's texts are canaries, one for each column that holds free text, and whatever the product makes itself
(keys, digests, document ids) is watched as well. `require_canaries_everywhere` holds the store to that: a new column
without a canary fails.

    own         the tenant that attacks
    other       the one that is attacked
    bystander   whom the operator's changes are tried on
    suspended, deleted      with a key that was good once
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, Text, insert, select

from billing.invoices.credit_note import Return
from billing.invoices.invoice import Heading, Item
from billing.log.event import chained
from billing.money import Exact
from billing.store import tables_access, tables_settled
from billing.store.audit import record
from billing.store.books import save_credit_note, save_invoice, save_payment
from billing.store.schema import METADATA
from billing.store.writer import append
from canary import Canaries
from house_tables import is_house
from invoice_facts import CENT, ISSUED_S, JANUARY_S, issued
from model_papers import month_papers
from some_secrets import SECRETS
from tenants.access.identity import ROLE_SCOPES, Principal, Role
from tenants.access.keys import DAY_S, mint
from tenants.access.scope import local_scope, make_scope
from tenants.access.tokens import issue_token

NOW_S = ISSUED_S + 20 * DAY_S
MADE_S = NOW_S - 10 * DAY_S
# Columns of text that hold words of ours, digests, or the same as another column; everything else holds canaries.
CLOSED = {
    *(
        "status",
        "state",
        "currency",
        "period",
        "kind",
        "role",
        "scopes",
        "tools",
        "events",
        "regions",
        "type",
        "method",
        "action",
    ),
    *("digest", "hash", "prevhash", "body_hash", "details_hash", "leaf_hash", "salt", "frontier", "root"),
    *("cause", "successor", "thresholds_bp"),
}
# What a row of `Seeding.rest` needs to be a good one; what is deleted stands for no living tenant.
OPEN = {
    "url": "https://hooks.example/{}", "events": "invoice.issued", "method": "POST", "path": "/v1/keys/{}",
    "body": '"{}"', "all_rental.state": "running",
    "all_notice.type": "invoice.issued", "all_notice.body": '{"total":"{}"}',
    "kind": "service", "role": "member", "status": "active", "scopes": "", "tools": "", "currency": "USD",
    "thresholds_bp": "5000",
}  # fmt: skip
BESIDE = ("all_tombstone",)
Word = Callable[[str], str]


@dataclass
class Side:
    """One tenant: its id, the texts of its keys by role, and the ids of what it has by kind."""

    tenant: str
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


class Seeding:
    """Puts tenants into a store: documents, events and the log by the product's own functions, the rest as rows."""

    def __init__(self, connection: Connection, entropy: Callable[[int], bytes]) -> None:
        self.connection, self.entropy = connection, entropy

    def tenant(self, tenant: str, word: Word, status: str = "active") -> None:
        """A tenant's row, with when it was suspended or deleted."""
        ended = {f"{status}_s": MADE_S} if status != "active" else {}
        row = {"tenant": tenant, "name": word("all_tenant.name"), "organisation": word("all_tenant.organisation")}
        self.add(tables_access.tenant, row | {"regions": "eu", "status": status, "created_s": MADE_S} | ended)

    def account(self, tenant: str, word: Word, role: str, disabled_s: int | None = None) -> str:
        """An account; returns its id."""
        row = {"tenant": tenant, "id": word("all_account.id"), "kind": "service", "name": word("all_account.name")}
        self.add(tables_access.account, row | {"role": role, "created_s": MADE_S, "disabled_s": disabled_s})
        return row["id"]

    def key(self, tenant: str, account: str, role: str, without: str = "", **other: Any) -> tuple[str, str, str]:
        """A key with all scopes of its role, but for one: text, id, digest. `other`: columns that are not as minted."""
        scopes = ROLE_SCOPES[Role(role)] - {without}
        made = mint(local_scope(), account, tenant, Role(role), scopes, SECRETS, self.entropy, MADE_S)
        row = made.record._asdict() | {"role": role, "scopes": " ".join(sorted(scopes)), "created_s": MADE_S}
        self.add(tables_access.api_key, row | other)
        return made.text, made.record.id, made.record.digest

    def token(self, tenant: str, account: str, key: str, role: str) -> tuple[str, str]:
        """An agent's token for reading bills, and for a tool that does: its text and its id."""
        who = Principal(account, "service", tenant, Role(role), ROLE_SCOPES[Role(role)], key)
        scopes, tools = ("bills:read", "tools:call"), ("read_bill",)
        made = issue_token(make_scope(who), scopes, tools, 3_600, SECRETS, self.entropy, NOW_S - 60)
        row = made.record._asdict() | {"role": role, "scopes": " ".join(scopes), "tools": " ".join(tools)}
        self.add(tables_access.agent_token, row)
        return made.text, made.record.id

    def add(self, table: Table, row: Mapping[str, Any]) -> None:
        """A row; what the table has no column for is left out."""
        self.connection.execute(insert(table), {name: value for name, value in row.items() if name in table.c})

    def books(self, tenant: str, word: Word, number: Callable[[str], int], months: int = 2) -> str:
        """Invoices with every kind of text on them, a credit note, a payment; returns the number of the first."""
        first = ""
        for month in range(1, months + 1):
            heading = Heading(
                tenant, f"2025-{month:02}", word("price_version"), ((word("log source"), 1, 9),), "0" * 64
            )
            items = [
                Item(
                    "usage", word("product"), word("description"), Exact(number("amount") * CENT), word("cause"),
                    *JANUARY_S, word("sku"), word("region"), "gpu_s", number("quantity"), "GPU-s", number("price"),
                )
            ]  # fmt: skip
            invoice = issued(items, heading, month)
            save_invoice(self.connection, invoice, log_position=number("log_position"))
            first = first or invoice.number
        returned = [Return(1, 1, 10)]
        save_credit_note(self.connection, first, returned, "goodwill", word("reason of a credit note"), ISSUED_S + 1)
        save_payment(self.connection, first, CENT, word("payment reference"), ISSUED_S + 2)
        return first

    def events(self, tenant: str, word: Word, count: int = 3) -> None:
        """Events of a source of the cluster, and of the source of what the tenant reports itself."""
        for source in (word("event.source"), f"api/{tenant}"):
            facts = [
                (
                    word("event.id"),
                    "allocation.resized",
                    MADE_S + n,
                    tenant,
                    {"allocation": word("allocation"), "gpus": 8},
                )
                for n in range(count)
            ]
            append(self.connection, list(chained(source, facts)))

    def model(self, tenant: str, word: Word, number: Callable[[str], int]) -> None:
        """What settling makes: two hours of use, each with an amount of its own, and the papers of a month."""
        words = ("region", "sku", "product", "meter", "charge_class")
        for hour in range(2):
            row = {name: word(f"all_usage_hour.{name}") for name in words} | {
                "tenant": tenant, "hour_s": MADE_S + hour * 3_600, "factor_bp": hour * 10_000, "settled": hour,
                "quantity": number("quantity"), "unit_price_micro": number("price"), "currency": "USD",
                "numerator": str(number("numerator")), "denominator": str(number("denominator")),
            }  # fmt: skip
            self.add(tables_settled.usage_hour, row)
        columns = METADATA.tables["all_invoice"].c
        for id_, period in self.connection.execute(select(columns.id, columns.period).where(columns.tenant == tenant)):
            paper = {"issuer": word("issuer"), "tenant_name": word("name"), "bands": {}, "hours": {}}
            row = {"tenant": tenant, "period": period, "kind": f"hours/{id_}", "body": json.dumps(paper)}
            self.add(tables_settled.month_paper, row | {"hash": "0" * 64, "made_s": MADE_S})
        for kind, paper in month_papers(tenant, word, number).items():
            row = {"tenant": tenant, "period": "2026-02", "kind": kind, "body": json.dumps(paper), "made_s": MADE_S}
            self.add(tables_settled.month_paper, row | {"hash": "0" * 64})

    def audit(self, tenant: str, word: Word, count: int) -> None:
        """Entries of a tenant's log."""
        for n in range(count):
            told = {"note": word("audit details")}
            words = (word("audit actor"), "key.create", word("audit object"), word("audit reason"))
            record(self.connection, tenant, *words, told, MADE_S + n)

    def rest(self, tenant: str, word: Word) -> None:
        """A row in each table of tenants' data that has none of this tenant yet: tables to come are filled here too."""
        for table in tenant_tables():
            owner = owner_column(table)
            mine = select(table).where(table.c[owner] == tenant).limit(1)
            if self.connection.execute(mine).first() is None:
                self.add(table, self.any_row(table, tenant, word) | {owner: tenant})

    def any_row(self, table: Table, tenant: str, word: Word) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for column in table.columns:
            if column.nullable:
                continue
            if isinstance(column.type, Text):
                good = OPEN.get(f"{table.name}.{column.name}") or OPEN.get(column.name, "{}")
                row[column.name] = good.replace("{}", word(f"{table.name}.{column.name}"))
            else:
                row[column.name] = _number_of(column.name)
        for key in table.foreign_key_constraints:
            parent = key.referred_table
            found = (
                self.connection.execute(select(parent).where(parent.c[owner_column(parent)] == tenant))
                .mappings()
                .first()
            )
            row |= {each.parent.name: found[each.column.name] for each in key.elements} if found else {}
        return row


def _number_of(column: str) -> int:
    if column.endswith("_max"):
        return 1_000
    if column.endswith("_micro"):
        return CENT
    return NOW_S + DAY_S if column in ("expires_s", "until_s") else MADE_S if column.endswith("_s") else 1


def tenant_tables() -> list[Table]:
    """Tables of tenants' data, parents first."""
    return [
        table
        for table in METADATA.sorted_tables
        if table.name.startswith("all_") and table.name not in BESIDE and not is_house(table)
    ]


def owner_column(table: Table) -> str:
    """The column that says whose a row is."""
    return "tenant" if "tenant" in table.c else "subject"


def watch_documents(connection: Connection, tenant: str, canaries: Canaries) -> None:
    """Watch for the ids of a tenant's documents, which the product makes from their content."""
    for name in ("all_invoice", "all_credit_note"):
        columns = METADATA.tables[name].c
        for (made,) in connection.execute(select(columns.id).where(columns.tenant == tenant)):
            canaries.watch(f"{name}.id", made)


def require_canaries_everywhere(connection: Connection, tenant: str, canaries: Canaries) -> int:
    """How many columns of free text hold a canary of the tenant. Raises AssertionError: one of them holds none."""
    bare, held = [], 0
    for table in tenant_tables():
        rows = connection.execute(select(table).where(table.c[owner_column(table)] == tenant)).mappings().all()
        for column in table.columns:
            if isinstance(column.type, Text) and column.name not in CLOSED:
                held += 1
                if not any(canaries.found(str(row[column.name])) for row in rows):
                    bare.append(f"{table.name}.{column.name}")
    assert not bare, f"columns without a canary: {', '.join(bare)}"
    return held
