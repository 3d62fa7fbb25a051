"""E5, the part with chance: rents as a process, the cover that they give, and what a covenant or a hedge changes."""

from typing import NamedTuple

import numpy as np

from sim.economics.costs import Device
from sim.economics.loan import Loan, cash_usd, cover, first_below, hedged, present_value, swept, under_contract
from sim.economics.prices import PriceLaw, paths
from sim.economics.units import MONTHS_PER_YEAR, Floats
from sim.experiments.experiment import Expected, Finding, Outcome, Setting, Table, measured
from sim.experiments.inputs import Inputs
from sim.experiments.replications import Numbers, Replicated, Replication, replicate
from sim.pictures.picture import Line, Picture, Series

BAND = (0.01, 0.99)  # 98 % of the paths
FAN = (5, 50, 95)
DEBT = ("operation_share", "lent_share", "loan_months", "used_share", "usd_per_kwh", "idle_share")
_LAW = ("price_drift", "price_half_life_years", "price_volatility", "price_falls_per_year", "price_fall_bounds")
_STEPS = 2  # a month, of the paths that public prices are held against
ARMS = ("merchant", "forwards", "contract")


class Terms(NamedTuple):
    """What one replication needs."""

    law: PriceLaw
    start_usd: float
    paths: int
    loan: Loan
    running_usd: float
    used_share: float
    contract_used_share: float
    contract_months: int
    life_months: int
    interest: float
    forward_share: float
    forward_months: int
    covenants: tuple[float, ...]
    lent_share: float
    history_months: tuple[int, ...]
    history_usd: tuple[float, ...]


def one(replication: Replication) -> Numbers:
    """Return the numbers of one replication: cover, breaches, collateral, and where public prices lie."""
    terms: Terms = replication.terms
    noise = replication.rng().standard_normal((terms.paths, terms.life_months))
    rent = paths(terms.law, terms.start_usd, terms.life_months, 1 / MONTHS_PER_YEAR, noise, replication.rng(1))[:, :-1]
    rents = {
        "merchant": (rent, terms.used_share),
        "forwards": (hedged(rent, rent.mean(axis=0), terms.forward_share, terms.forward_months), terms.used_share),
        "contract": (under_contract(terms.start_usd, rent, terms.contract_months), terms.contract_used_share),
    }
    found: dict[str, float] = {}
    for arm, (paid, used) in rents.items():
        found |= _of_arm(terms, arm, cash_usd(paid, used, terms.running_usd))
    return found | _history(terms, replication)


def _of_arm(terms: Terms, arm: str, cash: Floats) -> dict[str, float]:
    loan, months = terms.loan, terms.loan.months
    covers = cover(loan, cash[:, :months])
    found = {f"{arm}/least": float(covers.min(axis=1).mean())}
    for covenant in terms.covenants:
        found[f"{arm}/breach {covenant}"] = float(np.isfinite(first_below(covers, covenant)).mean())
    for month, row in enumerate(np.percentile(covers, FAN, axis=0).T):
        found |= {f"{arm}/p{level}/{month}": float(value) for level, value in zip(FAN, row, strict=True)}
    # The collateral is what the GPUs will still earn, to the end of their life.
    worth = present_value(cash, terms.interest)
    at = terms.contract_months
    # Owed over worth is greatest late, when both are small; a lender looks while more than half is owed.
    early = slice(0, months // 2)
    found[f"{arm}/most lent"] = float(np.median((loan.owed_usd[early] / np.maximum(worth[:, early], 1)).max(axis=1)))
    for name, covenant in (("", 0.0), ("swept ", max(terms.covenants))):
        after = swept(loan, cash[:, :months], covenant)
        gap = after.owed_usd[:, at - 1] - terms.lent_share * np.maximum(worth[:, at], 0)
        found[f"{arm}/{name}gap"] = float(np.maximum(gap, 0).mean())
        found[f"{arm}/{name}unpaid"] = float((after.cover < 1).any(axis=1).mean())
    return found


def _history(terms: Terms, replication: Replication) -> dict[str, float]:
    """Where the public prices lie among paths that start with the first of them."""
    steps = terms.history_months[-1] * _STEPS
    years = terms.history_months[-1] / MONTHS_PER_YEAR
    # The mean is known for the last date; it is carried back to the first.
    back = terms.law._replace(mean_usd=terms.law.mean_usd * float(np.exp(-terms.law.drift * years)))
    drifting = back._replace(half_life_years=np.inf, falls_per_year=0.0)
    noise = replication.rng(2).standard_normal((terms.paths, steps))
    found: dict[str, float] = {}
    for name, law in (("law", back), ("drift", drifting)):
        prices = paths(law, terms.history_usd[0], steps, 1 / MONTHS_PER_YEAR / _STEPS, noise, replication.rng(3))
        for month, usd in zip(terms.history_months, terms.history_usd, strict=True):
            found[f"{name}/below/{month}"] = float((prices[:, month * _STEPS] < usd).mean())
        for level in (*BAND, 0.5):
            quantile = np.quantile(prices, level, axis=0)
            found |= {f"{name}/{level}/{step}": float(value) for step, value in enumerate(quantile)}
    return found


def simulate(setting: Setting, device: Device, loan: Loan) -> Outcome:
    """Return findings, tables and pictures of the part with chance, for one loan."""
    inputs = setting.inputs
    terms = Terms(
        law=law(inputs),
        start_usd=inputs.number("rent_usd"),
        paths=setting.preset["paths"],
        loan=loan,
        running_usd=device.running_usd_per_month,
        used_share=inputs.number("used_share"),
        contract_used_share=inputs.number("contract_used_share"),
        contract_months=inputs.whole("contract_months"),
        life_months=int(device.life_years * MONTHS_PER_YEAR),
        interest=device.rate,
        forward_share=inputs.number("forward_share"),
        forward_months=inputs.whole("forward_months"),
        covenants=inputs.numbers("covenants"),
        lent_share=inputs.number("lent_share"),
        history_months=tuple(int(month) for month in inputs.numbers("history_months")),
        history_usd=inputs.numbers("history_usd"),
    )
    done = replicate(setting, one, terms, "merchant/least")
    return Outcome(
        (*_price_findings(terms, done), *_cover_findings(terms, done)),
        (_arms(terms, done),),
        (_fan(terms, done), _band(terms, done)),
        (
            "Rents of the part with chance follow the price law of docs/economics.md; its parameters are guesses.",
            "Forwards cost what the price law expects: they take chance away, and no money.",
        ),
    )


def law(inputs: Inputs) -> PriceLaw:
    """Return the price law of the inputs; its mean is the rent of today."""
    names = ("rent_usd", "price_drift", "price_half_life_years", "price_volatility", "price_falls_per_year")
    return PriceLaw(*(inputs.number(name) for name in names), *inputs.numbers("price_fall_bounds"))


def _price_findings(terms: Terms, done: Replicated) -> list[Finding]:
    band = Expected(*BAND, "the 98 % band of the price law")
    found = []
    for month, usd in zip(terms.history_months[1:], terms.history_usd[1:], strict=True):
        if usd in (min(terms.history_usd), terms.history_usd[-1]):
            name = f"price law from ${terms.history_usd[0]:g}: chance of less than ${usd:.2f} after {month} months"
            found.append(measured(name, "", done.estimate(f"law/below/{month}"), band))
    lowest = terms.history_months[terms.history_usd.index(min(terms.history_usd))]
    name = f"the same for ${min(terms.history_usd):.2f} where prices only drift"
    return [*found, measured(name, "", done.estimate(f"drift/below/{lowest}"))]


def _cover_findings(terms: Terms, done: Replicated) -> list[Finding]:
    high = max(terms.covenants)
    found = [
        measured(f"{arm}: chance of a month below {high}", "", done.estimate(f"{arm}/breach {high}")) for arm in ARMS
    ]
    for arm in ARMS[1:]:
        pair = done.difference(f"{arm}/least", "merchant/least", len(ARMS) - 1)
        found.append(Finding(f"least cover, {arm} less merchant", "", pair.difference, None, None, pair.verdict))
    pair = done.difference("merchant/swept gap", "merchant/gap")
    name = f"merchant: cash sweep at {high}, change of what cannot be refinanced"
    return [*found, Finding(name, "USD per GPU", pair.difference, None, None, pair.verdict)]


def _arms(terms: Terms, done: Replicated) -> Table:
    names = {
        "least": "least cover, mean",
        **{f"breach {covenant}": f"chance of a month below {covenant}" for covenant in terms.covenants},
        "unpaid": "chance of a month that cannot pay",
        "swept unpaid": f"the same with a cash sweep at {max(terms.covenants)}",
        "most lent": "most owed over worth, first half, median",
        "gap": "not refinanced at the end of the contract, USD per GPU",
        "swept gap": f"the same with a cash sweep at {max(terms.covenants)}",
    }
    rows = tuple((title, *(done.estimate(f"{arm}/{name}").mean for arm in ARMS)) for name, title in names.items())
    return Table("Rents with chance", ("", *ARMS), rows, f"Loan at {terms.loan.rate:.0%}; means over replications.")


def _fan(terms: Terms, done: Replicated) -> Picture:
    months = tuple(float(month) for month in range(terms.loan.months))
    series = []
    for arm in ("merchant", "contract"):
        low, middle, high = (
            tuple(done.estimate(f"{arm}/p{level}/{month}").mean for month in range(terms.loan.months)) for level in FAN
        )
        series.append(Series(f"{arm}: median, and 5 to 95 % of the paths", months, middle, low, high))
    lines = tuple(Line("y", covenant, f"covenant {covenant}") for covenant in terms.covenants)
    title = f"Cover of a loan at {terms.loan.rate:.0%}: the month in which the contract ends is the cliff"
    guesses = (*_LAW, *DEBT, "contract_used_share", "forward_share", "forward_months")
    return Picture(
        "e5-cover", "lines", title, "month of the loan", "cash over payment due", tuple(series), lines, guesses
    )


def _band(terms: Terms, done: Replicated) -> Picture:
    steps = range(terms.history_months[-1] * _STEPS + 1)
    months = tuple(step / _STEPS for step in steps)
    of = {
        key: tuple(done.estimate(f"{key}/{step}").mean for step in steps)
        for key in ("law/0.5", *(f"{name}/{level}" for name in ("law", "drift") for level in BAND))
    }
    middle, low, high = (of[f"law/{level}"] for level in (0.5, *BAND))
    series = [
        Series("price law: median and 98 % band", months, middle, low, high),
        Series("lower end of the band where prices only drift", months, of[f"drift/{BAND[0]}"], role="limit"),
    ]
    public = tuple(float(month) for month in terms.history_months), terms.history_usd
    series.append(Series("public prices of an H100-hour", *public, role="published"))
    return Picture(
        name="e5-prices",
        kind="lines",
        title="From $8 to $1.70 and back to $2.35: drift alone does not get there",
        x_label="months after July 2023",
        y_label="USD per GPU-hour",
        series=tuple(series),
        guesses=_LAW,
    )
