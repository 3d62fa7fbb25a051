"""E11: what a gap is worth before anybody has to find tenants for it, beside its reference table."""

from sim.economics.gap import mean_taken, worth_usd
from sim.experiments.experiment import Table
from sim.experiments.inputs import Inputs
from sim.experiments.reference import Cell

# Months of a run and of a gap, floor of inference in the gap: share of the fleet that is taken.
REFERENCE_TAKEN = (
    (8, 4, 0.3, 0.767), (6, 6, 0.3, 0.650), (10, 2, 0.3, 0.883),
    (8, 4, 0.5, 0.833), (6, 6, 0.5, 0.750), (10, 2, 0.5, 0.917),
)  # fmt: skip
# Floor, rent, fill: USD million a year of 16,384 GPUs with runs of 8 months and gaps of 4.
REFERENCE_WORTH = ((0.3, 2.35, 1.0, 78.7), (0.3, 1.25, 0.85, 35.6), (0.5, 2.35, 1.0, 56.2))


def gap_cells() -> list[Cell]:
    """Return every cell of the reference table of gaps."""
    cells = [
        Cell(f"taken, {run}/{gap} months, floor {floor}", mean_taken(run, gap, floor), reference, 3)
        for run, gap, floor, reference in REFERENCE_TAKEN
    ]
    return cells + [
        Cell(f"worth, floor {floor}, {rent} USD/h", worth_usd(8, 4, floor, 16_384, rent, fill) / 1e6, reference, 1)
        for floor, rent, fill, reference in REFERENCE_WORTH
    ]


def gap_table(inputs: Inputs) -> Table:
    """Return what a gap would earn by floor and rent, if every hour on offer were sold, and as much as usual."""
    gap, gpus, fill = inputs.number("gap_months"), inputs.whole("fleet_gpus"), inputs.number("fill")
    rows = []
    for floor in inputs.numbers("floors"):
        taken = mean_taken(12 - gap, gap, floor)
        for rent in (inputs.number("rent_usd"), inputs.number("spot_usd")):
            worth = [worth_usd(12 - gap, gap, floor, gpus, rent, share) / 1e6 for share in (1.0, fill)]
            rows.append((f"{floor:.0%}", taken, 1 - taken, rent, *worth))
    heads = ("floor in the gap", "taken", "left", "rent, USD/h", "all sold", f"{fill:.0%} sold")
    return Table(
        "What a gap is worth", heads, tuple(rows), f"USD million a year; {gpus:,} GPUs, {gap:g} months of gap."
    )
