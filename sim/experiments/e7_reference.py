"""E7: the reference tables of checkpoints and spares, beside the formulas that `spillway reliability` prints."""

from sim.experiments.reference import Cell
from sim.measures.reliability import (
    ettr_daly,
    ettr_exact,
    ettr_linear,
    interval_young,
    job_rate_per_s,
    mttf_h,
    spare_count,
)

# Nodes, faults per 1,000 node-days, u0, w and dt in minutes: Daly exact, linear (None: not in the table).
GOODPUT = (
    (128, 6.5, 5, 1, 60, 0.964, 0.964),
    (128, 6.5, 5, 1, 20, 0.944, 0.944),
    (128, 6.5, 20, 5, 60, 0.895, 0.896),
    (2_048, 3.79, 5, 1, 60, 0.809, 0.798),
    (2_048, 3.79, 5, 1, 20, 0.876, 0.875),
    (2_048, 3.79, 20, 5, 60, 0.692, 0.674),
    (2_048, 3.79, 2, 0.1, 2, 0.937, 0.937),
    (2_048, 3.79, 3, 0.5, 15, 0.913, None),
    (2_048, 6.5, 5, 1, 60, 0.699, 0.665),
    (2_048, 6.5, 5, 1, 20, 0.824, 0.820),
    (2_048, 6.5, 5, 0, 60, None, 0.676),
    (12_500, 2.34, 2, 0, 2, 0.941, 0.939),
    (12_500, 2.34, 2, 0.1, 2, 0.895, 0.894),
    (16_384, 2.34, 5, 1, 60, 0.343, 0.067),
    (16_384, 2.34, 5, 1, 20, 0.622, 0.572),
    (16_384, 6.5, 5, 1, 60, 0.034, -1.562),
    (16_384, 6.5, 5, 1, 20, 0.274, -0.104),
    (16_384, 6.5, 2, 0.1, 2, 0.759, 0.741),
)
RENEWAL = ((2_048, 6.5, 5, 0, 60, 0.715), (12_500, 2.34, 2, 0, 2, 0.942))  # restarts that cannot fail
OPTIMUM = ((128, 6.5, 58.8), (2_048, 6.5, 14.7), (2_048, 3.79, 19.3), (2_048, 2.34, 24.5))  # minutes, at w = 1
MTTF = (
    (128, 6.5, 28.85), (2_048, 6.5, 1.80), (2_048, 3.79, 3.09), (2_048, 2.34, 5.01), (16_384, 6.5, 0.23),
    (128, 23.75, 7.89),
)  # fmt: skip
# Nodes: spares for 99 % and 99.9 % at each time to repair.
REPAIRS_DAYS = (0.5, 3.0, 7.0, 14.0)
SPARES = {
    128: ((2, 3), (5, 6), (8, 10), (14, 16)),
    512: ((4, 5), (12, 15), (23, 26), (40, 45)),
    2_048: ((9, 11), (35, 40), (72, 78), (134, 142)),
}
SPARES_RATE = 3.79


def goodput_cells() -> list[Cell]:
    """Return every cell of the table of goodput, and of what is said below it."""
    cells = []
    for nodes, rate, restart, write, interval, daly, linear in GOODPUT:
        terms = job_rate_per_s(nodes, rate), restart * 60, interval * 60, write * 60
        name = f"{nodes} nodes, {rate}, {restart}/{write}/{interval} min"
        if daly is not None:
            cells.append(Cell(f"{name}: Daly", ettr_daly(*terms), daly, 3))
        if linear is not None:
            cells.append(Cell(f"{name}: linear", ettr_linear(*terms), linear, 3))
    for nodes, rate, restart, write, interval, reference in RENEWAL:
        terms = job_rate_per_s(nodes, rate), restart * 60, interval * 60, write * 60
        cells.append(Cell(f"{nodes} nodes: renewal", ettr_exact(*terms), reference, 3))
    for nodes, rate, reference in OPTIMUM:
        best = interval_young(60, 1 / job_rate_per_s(nodes, rate)) / 60
        cells.append(Cell(f"{nodes} nodes, {rate}: sqrt(2w/l)", best, reference, 1))
    cells += [
        Cell(f"{nodes} nodes, {rate}: MTTF", mttf_h(nodes, rate), reference, 2) for nodes, rate, reference in MTTF
    ]
    return cells


def spare_cells() -> list[Cell]:
    """Return every cell of the table of spares."""
    return [
        Cell(f"{nodes} nodes, {days:g} d, {level}", spare_count(nodes, SPARES_RATE, days, level), reference, 0)
        for nodes, row in SPARES.items()
        for days, pair in zip(REPAIRS_DAYS, row, strict=True)
        for level, reference in zip((0.99, 0.999), pair, strict=True)
    ]
