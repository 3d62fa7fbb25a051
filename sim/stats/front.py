"""Who is not outdone by anybody: the Pareto front."""

from collections.abc import Sequence


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points (x, y) that no other one outdoes by less of x and more of y, ascending. Cost: O(n log n)."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front
