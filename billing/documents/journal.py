"""The ledger as a journal for a foreign program: beancount or hledger adds it up again and checks every balance.

One transaction per document and time, in order of time and of what people call it; every account is opened before it is
used; at the end each balance is asserted, exactly. So a program that shares no code with this one finds any amount that
was changed, and the same entries give the same text, byte for byte.

    receivable:acme    Assets:Receivable:Acme          wallet:acme   Liabilities:Wallet:Acme
    cash               Assets:Cash                     deferred:acme Liabilities:Deferred:Acme
    tax_payable        Liabilities:Tax                 revenue:P     Income:Revenue:P
    showback_clearing  Equity:ShowbackClearing         reduction:C   Income:Reduction:C
    cost:lab           Expenses:Cost:Lab

Names keep letters and digits; any other character is written as '-' and the hex digits of its UTF-8 bytes, so that two
names never become one account (`bare.spot` is `Bare-2espot`). Amounts have the decimals of their currency, or six
where the ledger holds parts of its smallest coin.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from billing.currency import CURRENCIES, MICRO_DECIMALS
from billing.errors import BillingError
from billing.invoices.ledger import Entry, balances
from billing.months import utc_text

# First word of an account -> where it stands in the tree that both programs know.
ROOTS = {
    "receivable": "Assets:Receivable",
    "cash": "Assets:Cash",
    "tax_payable": "Liabilities:Tax",
    "wallet": "Liabilities:Wallet",
    "deferred": "Liabilities:Deferred",
    "revenue": "Income:Revenue",
    "reduction": "Income:Reduction",
    "cost": "Expenses:Cost",
    "showback_clearing": "Equity:ShowbackClearing",
}
_TYPES = {"Assets": "A", "Liabilities": "L", "Equity": "E", "Income": "R", "Expenses": "X"}
_DAY_S = 86_400
_NO_NUMBERS: Mapping[str, str] = {}


class _Journal(NamedTuple):
    """What both texts are made of: decimals by currency, accounts with their currencies, documents, balances."""

    decimals: dict[str, int]
    accounts: dict[str, list[str]]
    documents: list[tuple[str, str, list[Entry]]]  # date, document, entries
    balances: list[tuple[str, str, int]]  # account, currency, micro-units
    opened: str
    closed: str  # the day after the last document


def beancount_text(entries: Sequence[Entry], numbers: Mapping[str, str] = _NO_NUMBERS) -> str:
    """Return the entries as a beancount journal; `numbers` are those that people know documents by, by document.

    Raises:
        BillingError: an account whose first word is not in ROOTS.
    """
    book = _journal(entries, numbers)
    lines = ['option "title" "Spillway"']
    lines += [f'option "operating_currency" "{currency}"' for currency in book.decimals]
    lines += ["", *(f"{book.opened} commodity {currency}" for currency in book.decimals)]
    lines += [f"{book.opened} open {account} {','.join(held)}" for account, held in book.accounts.items()]
    for date, document, moves in book.documents:
        payee = f"{_quoted(numbers[document])} " if document in numbers else ""
        lines += ["", f"{date} * {payee}{_quoted(document)}"]
        for entry in moves:
            lines.append(f"  {account_name(entry.account)}  {_amount(book, entry.amount_micro, entry.currency)}")
            if entry.line:
                lines.append(f"    line: {entry.line}")
    lines.append("")
    for account, currency, micro in book.balances:
        number = _number(micro, book.decimals[currency])
        lines.append(f"{book.closed} balance {account}  {number} ~ 0 {currency}")  # no tolerance
    return "\n".join(lines) + "\n"


def hledger_text(entries: Sequence[Entry], numbers: Mapping[str, str] = _NO_NUMBERS) -> str:
    """Return the entries as an hledger journal, fit for `hledger check --strict`, as `beancount_text`."""
    book = _journal(entries, numbers)
    lines = [f"commodity {_number(0, decimals, '.')} {currency}" for currency, decimals in book.decimals.items()]
    lines += [f"account {account}  ; type:{_TYPES[account.split(':')[0]]}" for account in book.accounts]
    for date, document, moves in book.documents:
        code = f"({_plain(numbers[document])}) " if document in numbers else ""
        lines += ["", f"{date} * {code}{_plain(document)}"]
        for entry in moves:
            remark = f"  ; line:{entry.line}" if entry.line else ""
            amount = _amount(book, entry.amount_micro, entry.currency)
            lines.append(f"    {account_name(entry.account)}  {amount}{remark}")
    if book.balances:
        lines += ["", f"{book.closed} * balances"]
    for account, currency, micro in book.balances:
        lines.append(f"    {account}  {_amount(book, 0, currency)} = {_amount(book, micro, currency)}")
    return "\n".join(lines) + "\n"


JOURNALS: dict[str, Callable[[Sequence[Entry]], str]] = {"beancount": beancount_text, "hledger": hledger_text}


def account_name(account: str) -> str:
    """Return the account's name in a journal. Different accounts have different names.

    Raises:
        BillingError: its first word is not in ROOTS.
    """
    first, colon, rest = account.partition(":")
    if first not in ROOTS:
        raise BillingError("unknown kind of account", path="account", found=account, allowed=", ".join(ROOTS))
    return ROOTS[first] + (f":{_component(rest)}" if colon else "")


def _component(name: str) -> str:
    """Return a name as both programs allow it: first a capital or a digit, then letters, digits and '-'."""
    written = "".join(letter if letter.isascii() and letter.isalnum() else _hex(letter) for letter in name)
    if written[:1].islower():
        return written[0].upper() + written[1:]
    return written if written[:1].isdecimal() else f"0{_hex(written[:1])}{written[1:]}"  # `Acme` must not be `acme`


def _hex(letter: str) -> str:
    return "".join(f"-{byte:02x}" for byte in letter.encode())


def _journal(entries: Sequence[Entry], numbers: Mapping[str, str]) -> _Journal:
    accounts: dict[str, list[str]] = {}
    for name, currency in balances(entries):
        accounts.setdefault(account_name(name), []).append(currency)
    documents: dict[tuple[int, str], list[Entry]] = {}
    # Stable: the ledger's order within a document. Among documents of one second it would be that of the place where
    # the ledger is kept.
    for entry in sorted(entries, key=lambda entry: (entry.time_s, numbers.get(entry.document, entry.document))):
        documents.setdefault((entry.time_s, entry.document), []).append(entry)
    times_s = [time_s for time_s, _ in documents] or [0]
    return _Journal(
        decimals={currency: _decimals(entries, currency) for currency in sorted({each.currency for each in entries})},
        accounts=dict(sorted(accounts.items())),
        documents=[(_date(time_s), document, moves) for (time_s, document), moves in documents.items()],
        balances=sorted((account_name(name), currency, micro) for (name, currency), micro in balances(entries).items()),
        opened=_date(times_s[0]),
        closed=_date(times_s[-1] + _DAY_S),
    )


def _decimals(entries: Sequence[Entry], currency: str) -> int:
    minor = CURRENCIES[currency]
    whole = all(entry.amount_micro % minor.minor_micro == 0 for entry in entries if entry.currency == currency)
    return minor.decimals if whole else MICRO_DECIMALS


def _amount(book: _Journal, micro: int, currency: str) -> str:
    return f"{_number(micro, book.decimals[currency])} {currency}"


def _number(micro: int, decimals: int, point: str = "") -> str:
    """Return an amount; `point` stands behind one without decimals, where a program asks for it."""
    units = abs(micro) // 10 ** (MICRO_DECIMALS - decimals)
    whole, part = divmod(units, 10**decimals)
    return f"{'-' if micro < 0 else ''}{whole}" + (f".{part:0{decimals}d}" if decimals else point)


def _date(time_s: int) -> str:
    return utc_text(time_s)[:10]


def _quoted(text: str) -> str:
    escaped = _plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    """Return text on one line; ';' begins a remark and '|' ends a payee in hledger."""
    return " ".join(text.translate({ord(";"): ",", ord("|"): "/"}).split())
