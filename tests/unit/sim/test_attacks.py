"""E12: one world attacked; what isolates matters, and what must not move does not."""

from sim.experiments.e12_worlds import Task, one
from sim.experiments.inputs import read_inputs

TERMS = {row.name: float(row.value) for row in read_inputs("e12.toml").changed({"days": "3"}).rows}


def test_a_flood_is_held_off_by_a_quota_and_moves_no_bill() -> None:
    found = one(Task(3, TERMS))
    mean = {arm: sum(waits_s) / len(waits_s) for arm, waits_s in found.waits_s.items()}
    assert mean["lab, on"] < 600 < 3_600 < mean["lab, off"]
    assert mean["renter, on"] < mean["renter, off"] / 4
    numbers = found.numbers
    assert numbers["replayed"] > 1_000 and numbers["told_bytes"] > 1_000 and numbers["house_bytes"] > 0
    assert numbers["bill_moved_usd"] == numbers["bill_replayed_usd"] == numbers["leaked_bytes"] == 0
    assert numbers["found"] == numbers["tampered"] == 64 and numbers["false_alarms"] == 0
