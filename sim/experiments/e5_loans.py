"""E5: the rent falls. When does a loan on GPUs lose its cover, and what would have kept it?"""

from collections.abc import Sequence

from sim.economics.costs import Device, Power
from sim.economics.entry import peak_share, price_ratio
from sim.economics.loan import Loan, cash_usd, cover, falling, first_below, rent_for, under_contract
from sim.economics.units import Floats
from sim.experiments import e5_rents
from sim.experiments.experiment import Experiment, Finding, Outcome, Setting, Table
from sim.experiments.inputs import Inputs
from sim.experiments.published import Cell, agreement, as_published
from sim.experiments.words import number
from sim.pictures.picture import Picture, Series

_LOANS = "ECONOMICS 8.5"
_CLOSED = "ECONOMICS 8.6"
# Rent path: least cover and mean cover at each of the three rates, first month below 1.2 at each (None: never).
PUBLISHED_COVER = {
    "flat": ((1.60, 1.43, 1.34), (1.82, 1.71, 1.65), (None, None, None)),
    "-15 % a year": ((0.74, 0.74, 0.73), (1.13, 1.05, 1.01), (24, 17, 12)),
    "-30 % a year": ((0.07, 0.07, 0.07), (0.66, 0.61, 0.58), (10, 6, 4)),
    "-15 % a year, -40 % in month 12": ((0.30, 0.30, 0.30), (0.70, 0.65, 0.62), (12, 12, 12)),
    "4 years of take-or-pay, then the market": ((0.13, 0.13, 0.13), (1.71, 1.59, 1.52), (48, 48, 48)),
}
PUBLISHED_RENT = {1.2: (1.84, 2.02, 2.14), 1.4: (2.09, 2.30, 2.44)}  # covenant: rent needed at each rate
PUBLISHED_ENTRY = {0.10: (0.826, 0.909, 0.953), 0.25: (0.640, 0.800, 0.894)}  # Q/M: at elasticity 0.5, 1, 2
PUBLISHED_PEAK = {0.3: (0.43, 2), 0.5: (1.00, 2), 0.7: (2.33, 2)}
USED_SHARES = (0.30, 0.50, 0.70, 0.83, 0.95)
# (device, life in years): full cost of a useful hour at these shares.
PUBLISHED_COST = {
    ("H100", 4.0): (6.17, 3.74, 2.69, 2.28, 2.01),
    ("H100", 5.5): (4.97, 3.01, 2.18, 1.85, 1.63),
    ("H100", 6.0): (4.70, 2.85, 2.06, 1.75, 1.54),
    ("GB200", 4.0): (11.21, 6.78, 4.88, 4.13, 3.63),
    ("GB200", 5.5): (9.02, 5.46, 3.94, 3.34, 2.93),
    ("GB200", 6.0): (8.53, 5.17, 3.73, 3.16, 2.78),
}


def power(inputs: Inputs, full_kw: str = "full_kw") -> Power:
    """Return what a GPU draws, by the inputs."""
    return Power(*(inputs.number(name) for name in (full_kw, "pue", "usd_per_kwh", "idle_share")))


def device(inputs: Inputs) -> Device:
    """Return the H100 of the inputs, with the middle one of the lives."""
    return Device(
        capital_usd=inputs.number("capital_usd"),
        life_years=inputs.numbers("lives_years")[1],
        rate=inputs.number("interest"),
        operation_share=inputs.number("operation_share"),
        power=power(inputs),
    )


def loans(inputs: Inputs) -> list[Loan]:
    """Return the loan at each of the rates."""
    principal = inputs.number("lent_share") * inputs.number("capital_usd")
    return [Loan(principal, rate, inputs.whole("loan_months")) for rate in inputs.numbers("loan_rates")]


def rent_paths(inputs: Inputs) -> dict[str, tuple[Floats, float]]:
    """Return each rent path of the published table, with the share of the hours that is paid."""
    start, months = inputs.number("rent_usd"), inputs.whole("loan_months")
    merchant, firm = inputs.number("used_share"), inputs.number("contract_used_share")
    flat, slow, fast = (falling(start, change, months) for change in inputs.numbers("yearly_changes"))
    stepped = falling(
        start, inputs.numbers("yearly_changes")[1], months, inputs.whole("step_month"), inputs.number("step")
    )
    contract = under_contract(start, fast, inputs.whole("contract_months"))
    rents = ((flat, merchant), (slow, merchant), (fast, merchant), (stepped, merchant), (contract, firm))
    return dict(zip(PUBLISHED_COVER, rents, strict=True))


def covers(inputs: Inputs) -> dict[str, list[Floats]]:
    """Return the cover of each month, on each rent path, at each rate."""
    running = device(inputs).running_usd_per_month
    return {
        name: [cover(loan, cash_usd(rent, used, running)) for loan in loans(inputs)]
        for name, (rent, used) in rent_paths(inputs).items()
    }


def cover_cells(inputs: Inputs) -> list[Cell]:
    """Return every cell of the table of loans; a month that never comes is counted as -1."""
    cells = []
    covenant = inputs.numbers("covenants")[0]
    for name, found in covers(inputs).items():
        for least, mean, first, cover_ in zip(*PUBLISHED_COVER[name], found, strict=True):
            month = float(first_below(cover_, covenant))
            cells += [
                Cell(f"{name}: least cover", float(cover_.min()), least, 2),
                Cell(f"{name}: mean cover", float(cover_.mean()), mean, 2),
                Cell(f"{name}: first month below", month if month < 1e9 else -1, -1 if first is None else first, 0),
            ]
    return cells


def rent_cells(inputs: Inputs) -> list[Cell]:
    """Return every cell of the rents that a covenant needs."""
    running, used = device(inputs).running_usd_per_month, inputs.number("used_share")
    return [
        Cell(f"rent for {covenant} at {loan.rate:.1%}", rent_for(loan, covenant, used, running), published, 2)
        for covenant, row in PUBLISHED_RENT.items()
        for loan, published in zip(loans(inputs), row, strict=True)
    ]


def cost_cells(inputs: Inputs) -> list[Cell]:
    """Return every cell of the full cost of a useful hour."""
    h100 = device(inputs)
    rack = h100._replace(capital_usd=inputs.number("rack_capital_usd"), power=power(inputs, "rack_kw"))
    of = {"H100": h100, "GB200": rack}
    return [
        Cell(f"{name}, {life:g} years, used {used:.0%}", replaced.usd_per_useful_h(used), cost, 2)
        for (name, life), row in PUBLISHED_COST.items()
        for replaced in (of[name]._replace(life_years=life),)
        for used, cost in zip(USED_SHARES, row, strict=True)
    ]


def entry_cells() -> list[Cell]:
    """Return every cell of the closed forms of entry."""
    cells = [
        Cell(f"price ratio, Q/M {added}, elasticity {eps}", price_ratio(added, eps), published, 3)
        for added, row in PUBLISHED_ENTRY.items()
        for eps, published in zip((0.5, 1.0, 2.0), row, strict=True)
    ]
    return cells + [
        Cell(f"peak of the entrant, elasticity {eps}", peak_share(eps), published, places)
        for eps, (published, places) in PUBLISHED_PEAK.items()
    ]


def _findings(inputs: Inputs) -> list[Finding]:
    found = covers(inputs)
    h100 = device(inputs)
    contract, covenant = list(found)[-1], inputs.numbers("covenants")[0]
    cliff = float(first_below(found[contract][1], covenant))
    middle = f"at {inputs.numbers('loan_rates')[1]:.0%}"
    peak = h100.power
    rows = [
        as_published(f"{name}: least cover {middle}", "", float(each[1].min()), PUBLISHED_COVER[name][0][1], 2, _LOANS)
        for name, each in found.items()
    ]
    return [
        *rows,
        as_published(f"first month below {covenant}, {contract}", "", cliff, 48, 0, f"{_LOANS}: roll-off cliff"),
        agreement("table of loans", cover_cells(inputs), _LOANS),
        agreement("rent that a covenant needs", rent_cells(inputs), _LOANS),
        agreement("full cost of a useful hour", cost_cells(inputs), "ECONOMICS 6.2"),
        agreement("price after an entry, and its peak", entry_cells(), _CLOSED),
        as_published("electricity of a busy GPU", "USD/h", peak.usd_per_h(), 0.0842, 4, _CLOSED),
        as_published("electricity of an idle GPU", "USD/h", peak.usd_per_h(0), 0.0168, 4, _CLOSED),
        as_published("what selling an idle hour costs", "USD/h", peak.marginal_usd_per_h, 0.0673, 4, _CLOSED),
    ]  # fmt: skip


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
        Table("Cover of the loan by rent path", ("rent", *heads), tuple(rows), "Months count from 0."),
        Table(
            "Rent that carries cheaper GPUs",
            ("price of a GPU", "full cost, USD/h", *(f"rent for 1.4 at {rate:.1%}" for rate in rates)),
            tuple(cheaper),
            "Full cost of a useful hour, and the rent of the first month that covers the payment 1.4 times.",
        ),
        Table(
            "Full cost of a useful GPU-hour, USD",
            ("device and life", "ours", "published"),
            tuple((cell.name, cell.ours, cell.published) for cell in cost_cells(inputs)),
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
        guesses=("operation_share", "lent_share", "used_share"),
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
