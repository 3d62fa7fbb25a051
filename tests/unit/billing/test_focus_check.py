"""The checker of FOCUS rows: silent on what is right, loud on what is wrong, and itself found out when it is broken."""

import pytest

from billing.documents import focus_check
from billing.documents.focus import focus_rows
from billing.documents.focus_check import check
from billing.documents.focus_columns import header
from focus_mutations import KINDS, Cells, mutants
from invoice_worlds import papers

NAMES = header("1.2")
MUTANTS = 200
CAUGHT_MIN = 190


def table(seed: int, currency: str = "USD", version: str = "1.2", hard_names: bool = False) -> Cells:
    drawn = papers(seed, currency=currency, hard_names=hard_names)
    pairs = zip(drawn.invoices, drawn.hours, strict=True)
    names = header(version)
    return [
        [row[name] for name in names]
        for invoice, hours in pairs
        for row in focus_rows(invoice, hours, drawn.parties, version)
    ]


def missed(rows: Cells, seed: int) -> list[str]:
    found = mutants(NAMES, rows, MUTANTS, seed)
    return [mutant.what for mutant in found if not check(mutant.names, mutant.rows).findings]


@pytest.mark.parametrize("version", ["1.2", "1.4"])
@pytest.mark.parametrize("currency", ["USD", "JPY", "BHD"])
def test_correct_files_are_let_through(currency: str, version: str) -> None:
    for seed in range(6):
        checked = check(header(version), table(seed, currency, version, hard_names=seed % 2 == 1))
        assert (checked.version, checked.findings) == (version, [])


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_of_200_planted_faults_at_least_95_percent_are_caught(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    passed = missed(table(seed), seed)
    with capsys.disabled():
        print(f"\nseed {seed}: {MUTANTS - len(passed)} of {MUTANTS} faults caught; missed: {passed}")
    assert MUTANTS - len(passed) >= CAUGHT_MIN


BROKEN = {
    "no rules": ("MUSTS", ()),
    "no agreement": ("ONE_PER", ()),
    **{
        f"no {part}": ("SUMS", {rule: sums for rule, sums in focus_check.SUMS.items() if rule != part})
        for part in ("cost", "time", "row", "line", "total")
    },
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_checker_is_found_out(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of the checker is needed: without it, some fault that the whole one finds passes."""
    planted = [mutant for seed in (1, 2) for mutant in mutants(NAMES, table(seed), MUTANTS, seed)]
    for mutant in planted:
        with monkeypatch.context() as patch:
            patch.setattr(focus_check, *BROKEN[broken])
            passed = not check(mutant.names, mutant.rows).findings
        if passed and check(mutant.names, mutant.rows).findings:
            return
    pytest.fail("no planted fault needs this part of the checker")


def test_a_tax_that_is_wrong_by_a_cent_everywhere_is_caught() -> None:
    """A whole cent more tax on one line, and in the total: all sums agree, only the rate does not."""
    rows = table(1)
    tax = next(row for row in rows if row[NAMES.index("ChargeCategory")] == "Tax")
    for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_LineAmount", "x_CostNumerator"):
        _add_cent(tax, name)
    for row in rows:
        if row[NAMES.index("InvoiceId")] == tax[NAMES.index("InvoiceId")]:
            _add_cent(row, "x_InvoiceTotal")
    assert {finding.rule for finding in check(NAMES, rows).findings} & {"tax", "taxed_line"}


def _add_cent(row: list[str | None], name: str) -> None:
    column, text = NAMES.index(name), row[NAMES.index(name)] or ""
    whole, _, part = text.partition(".")
    cents = int(whole + part[:2].ljust(2, "0")) + 1 if part else int(whole) + 10_000
    row[column] = f"{cents // 100}.{cents % 100:02d}{part[2:]}" if part else str(cents)


def test_a_finding_names_row_and_rule() -> None:
    rows = table(1)
    rows[4][NAMES.index("ChargeCategory")] = "Rental"
    found = check(NAMES, rows).findings[0]
    assert (found.row, found.rule, found.column, found.found) == (5, "cell.value", "ChargeCategory", "Rental")


def test_columns_are_named_that_are_missing_unknown_or_there_twice() -> None:
    rules = [
        {finding.rule for finding in check(names, []).findings}
        for names in (NAMES[1:], [*NAMES, "x_Mine"], [*NAMES, NAMES[0]])
    ]
    assert rules == [{"header.missing"}, {"header.unknown"}, {"header.twice"}]


def test_a_row_with_a_cell_too_few_is_named() -> None:
    rows = table(1)
    rows[2].pop()
    assert [(finding.row, finding.rule) for finding in check(NAMES, rows).findings] == [(3, "row.cells")]


def test_every_kind_of_fault_is_planted() -> None:
    assert {mutant.what.split()[0] for mutant in mutants(NAMES, table(1), MUTANTS, 1)} == set(KINDS)
