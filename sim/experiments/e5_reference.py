"""E5: the loans and rents of the inputs, and the reference tables that they come out as."""

from sim.economics.costs import Device, Power
from sim.economics.entry import peak_share, price_ratio
from sim.economics.loan import Loan, cash_usd, cover, falling, first_below, rent_for, under_contract
from sim.economics.units import Floats
from sim.experiments.inputs import Inputs
from sim.experiments.reference import Cell

# Rent path: least cover and mean cover at each of the three rates, first month below 1.2 at each (None: never).
REFERENCE_COVER = {
    "flat": ((1.60, 1.43, 1.34), (1.82, 1.71, 1.65), (None, None, None)),
    "-15 % a year": ((0.74, 0.74, 0.73), (1.13, 1.05, 1.01), (24, 17, 12)),
    "-30 % a year": ((0.07, 0.07, 0.07), (0.66, 0.61, 0.58), (10, 6, 4)),
    "-15 % a year, -40 % in month 12": ((0.30, 0.30, 0.30), (0.70, 0.65, 0.62), (12, 12, 12)),
    "4 years of take-or-pay, then the market": ((0.13, 0.13, 0.13), (1.71, 1.59, 1.52), (48, 48, 48)),
}
REFERENCE_RENT = {1.2: (1.84, 2.02, 2.14), 1.4: (2.09, 2.30, 2.44)}  # covenant: rent needed at each rate
REFERENCE_ENTRY = {0.10: (0.826, 0.909, 0.953), 0.25: (0.640, 0.800, 0.894)}  # Q/M: at elasticity 0.5, 1, 2
REFERENCE_PEAK = {0.3: (0.43, 2), 0.5: (1.00, 2), 0.7: (2.33, 2)}
USED_SHARES = (0.30, 0.50, 0.70, 0.83, 0.95)
# (device, life in years): full cost of a useful hour at these shares.
REFERENCE_COST = {
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
    """Return each rent path of the reference table, with the share of the hours that is paid."""
    start, months = inputs.number("rent_usd"), inputs.whole("loan_months")
    merchant, firm = inputs.number("used_share"), inputs.number("contract_used_share")
    flat, slow, fast = (falling(start, change, months) for change in inputs.numbers("yearly_changes"))
    stepped = falling(
        start, inputs.numbers("yearly_changes")[1], months, inputs.whole("step_month"), inputs.number("step")
    )
    contract = under_contract(start, fast, inputs.whole("contract_months"))
    rents = ((flat, merchant), (slow, merchant), (fast, merchant), (stepped, merchant), (contract, firm))
    return dict(zip(REFERENCE_COVER, rents, strict=True))


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
        for least, mean, first, cover_ in zip(*REFERENCE_COVER[name], found, strict=True):
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
        Cell(f"rent for {covenant} at {loan.rate:.1%}", rent_for(loan, covenant, used, running), reference, 2)
        for covenant, row in REFERENCE_RENT.items()
        for loan, reference in zip(loans(inputs), row, strict=True)
    ]


def cost_cells(inputs: Inputs) -> list[Cell]:
    """Return every cell of the full cost of a useful hour."""
    h100 = device(inputs)
    rack = h100._replace(capital_usd=inputs.number("rack_capital_usd"), power=power(inputs, "rack_kw"))
    of = {"H100": h100, "GB200": rack}
    return [
        Cell(f"{name}, {life:g} years, used {used:.0%}", replaced.usd_per_useful_h(used), cost, 2)
        for (name, life), row in REFERENCE_COST.items()
        for replaced in (of[name]._replace(life_years=life),)
        for used, cost in zip(USED_SHARES, row, strict=True)
    ]


def entry_cells() -> list[Cell]:
    """Return every cell of the closed forms of entry."""
    cells = [
        Cell(f"price ratio, Q/M {added}, elasticity {eps}", price_ratio(added, eps), reference, 3)
        for added, row in REFERENCE_ENTRY.items()
        for eps, reference in zip((0.5, 1.0, 2.0), row, strict=True)
    ]
    return cells + [
        Cell(f"peak of the entrant, elasticity {eps}", peak_share(eps), reference, places)
        for eps, (reference, places) in REFERENCE_PEAK.items()
    ]
