"""What contracts and wallets put on an invoice, and what wallets do to the ledger beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from billing.books import Books
from billing.contracts.basis import Basis
from billing.contracts.line import INVOICE_KIND, ContractLine
from billing.contracts.lines import contract_lines
from billing.contracts.wallet import BOUGHT, EXPIRED, WalletEntry
from billing.invoices.agree import agree
from billing.invoices.invoice import Invoice, Item
from billing.invoices.ledger import CASH, Entry
from billing.money import Exact
from billing.months import parse_month
from billing.terms import Terms
from tenants.registry import Registry

# What a wallet's money is, by the kind of line that it pays with: owed to the tenant, earned later, or a gift.
PAID, PREPAID, GIFT = "wallet", "prepayment", "discount"
_HELD_IN = {PAID: "wallet", PREPAID: "deferred"}
BREAKAGE = "revenue:breakage"
BESIDE = "wallet/"  # and its id: the cause of a line that a wallet pays, and what it moves beside invoices


def wallet_kinds(registry: Registry) -> dict[str, str]:
    """Return for each wallet the kind of line that it pays with: those of prepaid contracts, bought ones, gifts."""
    kinds = {wallet.id: PAID if wallet.paid else GIFT for wallet in registry.wallets}
    return kinds | {contract.id: PREPAID for contract in registry.contracts if contract.prepayment is not None}


def agreed_anew(books: Books, terms: Terms) -> Books:
    """Return books in which contracts and wallets are worked out again, for line items under other prices.

    Raises:
        PriceError:    an hour of reserved capacity has no price.
        ContractError: nodes of a contract of which the terms do not say how many GPUs they have.
    """
    basis = contract_basis(books, terms)
    return replace(books, agreed=agree(basis, contract_lines(basis), books.credits))


def redrawn(books: Books, terms: Terms, invoices: Sequence[Invoice], posted: Sequence[Entry] = ()) -> Books:
    """Return books in which wallets go on from what they have paid on the invoices that stand, and from what was
    `posted` as lost at their expiry, whatever is known since.

    Without it, a late fact that changes an invoiced month would let a wallet pay again, or pay more than it holds.
    """
    lost = {
        entry.document.split("/")[1]: entry.amount_micro
        for entry in posted
        if entry.document.startswith(BESIDE) and entry.document.endswith(EXPIRED) and entry.account != BREAKAGE
    }
    if not books.agreed.wallet or not (invoices or lost):
        return books
    drawn: dict[tuple[str, int], dict[str, int]] = {}
    for invoice in invoices:
        if invoice.status != "void":
            paid = {
                line.cause.removeprefix(BESIDE): -line.net_micro
                for line in invoice.lines
                if line.cause.startswith(BESIDE)
            }
            drawn[invoice.tenant, parse_month(invoice.period)] = paid
    basis = contract_basis(books, terms)
    return replace(books, agreed=agree(basis, books.agreed.lines, books.credits, drawn, lost))


def contract_basis(books: Books, terms: Terms) -> Basis:
    """Return what the contract lines of closed books are made from."""
    facts = (books.names, terms.registry, terms.book, books.lines, books.capacity, books.horizon_s)
    return Basis(*facts, node_gpus={}, currency=terms.currency)


def contract_item(line: ContractLine, epoch_s: int) -> Item:
    """Return the line of an invoice that a contract's line becomes; the cause names both."""
    return Item(
        kind=INVOICE_KIND[line.kind],
        product=line.product,
        description=f"contract {line.contract}, {line.kind.replace('_', ' ')}: {line.note}",
        exact=line.exact,
        cause=f"{line.contract}/{line.kind}",
        from_s=epoch_s + line.from_s,
        until_s=epoch_s + line.until_s,
        sku=line.sku,
        region=line.region,
        meter="gpu_s" if line.quantity else "",
        quantity=line.quantity,
        unit="gpu_s" if line.quantity else "",
    )


def wallet_item(entry: WalletEntry, kind: str, epoch_s: int) -> Item:
    """Return the line of an invoice for what a wallet pays."""
    at_s = epoch_s + entry.at_s
    words = "gift" if kind == GIFT else "prepaid" if kind == PREPAID else "wallet"
    return Item(
        kind=kind,
        product="",
        description=f"paid from {words} {entry.wallet}",
        exact=Exact(entry.amount_micro),
        cause=f"{BESIDE}{entry.wallet}",
        from_s=at_s,
        until_s=at_s,
        fixed_micro=entry.amount_micro,
    )


def wallet_postings(
    entries: Sequence[WalletEntry], kinds: Mapping[str, str], currency: str, epoch_s: int
) -> list[Entry]:
    """Return what wallets post beside invoices: bought ones for cash, and what is left at their expiry (breakage).

    What a prepaid contract buys stands on an invoice. A gift is nobody's money until it pays: it is never posted.
    """
    posted = []
    for entry in entries:
        kind = kinds[entry.wallet]
        if kind == GIFT or entry.kind not in (BOUGHT, EXPIRED) or (kind, entry.kind) == (PREPAID, BOUGHT):
            continue
        document = f"{BESIDE}{entry.wallet}/{entry.kind}"
        other = CASH if entry.kind == BOUGHT else BREAKAGE
        for account, amount in ((other, entry.amount_micro), (f"{_HELD_IN[kind]}:{entry.tenant}", -entry.amount_micro)):
            posted.append(Entry(account, amount, currency, document, 0, epoch_s + entry.at_s))
    return posted
