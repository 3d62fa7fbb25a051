"""Checkpoints that take time: on a tape, in a scenario, in what a run says of itself."""

import json

from scheduler.events import Cause
from scheduler.tape import Settings, compare, core_of, header_line
from sim.engine.run import run
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from sim.summary import utilisation
from small_worlds import flat_drive, small_world

SETTINGS = Settings("easy", "all_idle", 0)


def test_a_tape_tells_of_writes_only_where_there_are_any() -> None:
    plain, written = (small_world(6, writes=writes).core() for writes in (False, True))
    assert {len(row) for row in json.loads(header_line(plain, SETTINGS))["products"]} == {8}
    for core in (plain, written):
        assert core_of(header_line(core, SETTINGS)).products == core.products
    assert any(row.checkpoint_write_s for row in written.products)


def test_a_job_that_is_left_alone_writes_between_its_pieces_of_work_and_not_at_the_end() -> None:
    for seed in range(20):
        world = small_world(seed, writes=True, faults=False)
        core = world.core()
        for part in flat_drive(core, world).segments:
            if part.cause == Cause.FINISHED:
                product = world.products[core.jobs.product[part.job]]
                rounds = product.checkpoint_s and (core.jobs.run_s[part.job] - 1) // product.checkpoint_s
                if not core.jobs.preemptions[part.job]:
                    assert part.written_s == rounds * product.checkpoint_write_s


def test_a_product_of_a_scenario_may_say_what_a_write_takes() -> None:
    scenario = load("small")
    rows = [{"code": "int.research", "checkpoint_s": 600, "checkpoint_write_s": 60}]
    slower = from_mapping({**scenario._mapping, "product": rows, "days": 2})
    result = run(build(slower))
    segments = result.segments
    assert (result.stalled_s + result.lost_s + result.written_s <= segments.end_s - segments.start_s).all()
    written = int((segments.gpus * result.written_s).sum())
    assert written > 0
    found = utilisation(result)
    lost = int((segments.gpus * result.lost_s).sum())
    assert found["busy"]["gpu_s"] - found["goodput"]["gpu_s"] == written + lost
    assert result.tape is not None and compare(result.tape)[1] is None
    assert 60 in [row.checkpoint_write_s for row in result.world.products]
