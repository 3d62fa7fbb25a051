"""E5: the rent falls. When does a loan on GPUs lose its cover, and what would have kept it?"""

from collections.abc import Sequence

from sim.economics.entry import price_ratio
from sim.economics.loan import cash_usd, cover, falling, first_below, rent_for
from sim.experiments import e5_rents
from sim.experiments.e5_reference import (
    REFERENCE_COVER,
    cost_cells,
    cover_cells,
    covers,
    device,
    entry_cells,
    loans,
    rent_cells,
)
from sim.experiments.experiment import Experiment, Finding, Outcome, Setting, Table
from sim.experiments.inputs import Inputs
from sim.experiments.reference import agreement, as_reference
from sim.experiments.words import number
from sim.pictures.picture import Picture, Series

_LOANS = "reference table of loans"
_CLOSED = "reference table of closed forms"


def _findings(inputs: Inputs) -> list[Finding]:
    found = covers(inputs)
    h100 = device(inputs)
    contract, covenant = list(found)[-1], inputs.numbers("covenants")[0]
    cliff = float(first_below(found[contract][1], covenant))
    middle = f"at {inputs.numbers('loan_rates')[1]:.0%}"
    peak = h100.power
    rows = [
        as_reference(f"{name}: least cover {middle}", "", float(each[1].min()), REFERENCE_COVER[name][0][1], 2, _LOANS)
        for name, each in found.items()
    ]
    return [
        *rows,
        as_reference(f"first month below {covenant}, {contract}", "", cliff, 48, 0, f"{_LOANS}: roll-off cliff"),
        agreement("table of loans", cover_cells(inputs), _LOANS),
        agreement("rent that a covenant needs", rent_cells(inputs), _LOANS),
        agreement("full cost of a useful hour", cost_cells(inputs), "reference table of costs"),
        agreement("price after an entry, and its peak", entry_cells(), _CLOSED),
        as_reference("electricity of a busy GPU", "USD/h", peak.usd_per_h(), 0.0842, 4, _CLOSED),
        as_reference("electricity of an idle GPU", "USD/h", peak.usd_per_h(0), 0.0168, 4, _CLOSED),
        as_reference("what selling an idle hour costs", "USD/h", peak.marginal_usd_per_h, 0.0673, 4, _CLOSED),
    ]  # fmt: skip


def _entry(inputs: Inputs) -> Table:
    """What the own entry takes from the rent, and from the cover of the loan."""
    loan, running = loans(inputs)[1], device(inputs).running_usd_per_month
    rows = []
    for added in inputs.numbers("added_shares"):
        for elasticity in inputs.numbers("elasticities"):
            rent = inputs.number("rent_usd") * price_ratio(added, elasticity)
            first = float(cover(loan, cash_usd(falling(rent, 0, loan.months), inputs.number("used_share"), running))[0])
            rows.append((f"{added:.0%}", elasticity, rent, first))
    heads = ("GPUs added, of the market", "elasticity", "rent, USD/h", "cover of the first month")
    return Table("After an entry", heads, tuple(rows), f"Loan at {loan.rate:.0%}, no further change of the rent.")


def _tables(inputs: Inputs) -> list[Table]:
    rates = inputs.numbers("loan_rates")
    rows = []
    for name, found in covers(inputs).items():
        months = [float(first_below(cover_, inputs.numbers("covenants")[0])) for cover_ in found]
        first = ["never" if month > 1e9 else int(month) for month in months]
        rows.append((name, *(float(each.min()) for each in found), *(float(each.mean()) for each in found), *first))
    heads = [f"{what} at {rate:.1%}" for what in ("least cover", "mean cover", "first month below") for rate in rates]
    running, used = device(inputs).running_usd_per_month, inputs.number("used_share")
    cheaper = []
    for change in (0.0, -0.10, -0.20, -0.30):
        capital = inputs.number("capital_usd") * (1 + change)
        thin = [loan._replace(principal_usd=inputs.number("lent_share") * capital) for loan in loans(inputs)]
        needs = (rent_for(loan, inputs.numbers("covenants")[1], used, running) for loan in thin)
        cost = device(inputs)._replace(capital_usd=capital).usd_per_useful_h(used)
        cheaper.append((f"{change:+.0%}", cost, *needs))
    return [
        _entry(inputs),
        Table("Cover of the loan by rent path", ("rent", *heads), tuple(rows), "Months count from 0."),
        Table(
            "Rent that carries cheaper GPUs",
            ("price of a GPU", "full cost, USD/h", *(f"rent for 1.4 at {rate:.1%}" for rate in rates)),
            tuple(cheaper),
            "Full cost of a useful hour, and the rent of the first month that covers the payment 1.4 times.",
        ),
        Table(
            "Full cost of a useful GPU-hour, USD",
            ("device and life", "ours", "reference"),
            tuple((cell.name, cell.ours, cell.reference) for cell in cost_cells(inputs)),
            "",
        ),
    ]


def _heat(inputs: Inputs) -> Picture:
    """Least cover by yearly change of the rent and share of the hours under contract, at the middle rate."""
    loan, start = loans(inputs)[1], inputs.number("rent_usd")
    running, used = device(inputs).running_usd_per_month, inputs.number("used_share")
    changes, rows = (0.0, -0.1, -0.2, -0.3, -0.4), []
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        rents = [share * start + (1 - share) * falling(start, change, loan.months) for change in changes]
        least = tuple(float(cover(loan, cash_usd(rent, used, running)).min()) for rent in rents)
        rows.append(Series(f"{share:.0%}", changes, least))
    return Picture(
        name="e5-heat",
        kind="heat",
        title=f"What carries the debt is the contract: least cover at {loan.rate:.0%}",
        x_label="change of the rent a year",
        y_label="share of the hours under contract to the end",
        series=tuple(rows),
        guesses=e5_rents.DEBT,
        places=tuple(f"{change:.0%}" for change in changes),
    )


def _run(setting: Setting) -> Outcome:
    inputs = setting.inputs
    rents = e5_rents.simulate(setting, device(inputs), loans(inputs)[1])
    findings = (*_findings(inputs), *rents.findings)
    outcome = Outcome(findings, (*_tables(inputs), *rents.tables), (*rents.pictures, _heat(inputs)), rents.notes)
    return outcome._replace(answer=_answer(inputs, findings))


def _answer(inputs: Inputs, findings: Sequence[Finding]) -> str:
    found = {name: each[1] for name, each in covers(inputs).items()}
    flat, slow = list(found)[:2]
    month = int(first_below(found[slow], inputs.numbers("covenants")[0]))
    held = [finding for finding in findings if finding.expected is not None]
    inside = sum(finding.verdict == "inside" for finding in held)
    return (
        f"A flat rent covers the loan {number(float(found[flat].min()))} times; with {slow} the lender may call "
        f"in month {month}, and with a contract in the month in which it ends. "
        f"{inside} of {len(held)} figures lie where they were expected."
    )


EXPERIMENT = Experiment(
    code="E5",
    title="Price fall and collateral",
    question="Rents fall. When does the lender call, and what would have kept him quiet?",
    presets={"small": {"replications": 20, "paths": 1_000}, "full": {"replications": 20, "paths": 20_000}},
    inputs="e5.toml",
    run=_run,
)
