"""The trace of a run for Perfetto, and its Gantt: what was held stands in them, and who waited."""

import gzip
import json
from pathlib import Path

import pytest

from run_folders import write_small
from sim.answers import trace
from sim.answers.gantt import gantt
from sim.answers.trace import write_trace
from sim.errors import SimError
from sim.folder.run_folder import read


def test_a_trace_holds_what_was_held_and_who_waited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read(write_small(tmp_path / "run", days=1))
    out = tmp_path / "run.json.gz"
    count = write_trace(run, out)
    packed = out.read_bytes()
    events = json.loads(gzip.decompress(packed))["traceEvents"]
    assert len(events) == count
    slices = [event for event in events if event["ph"] == "X"]
    node_us = run.query("SELECT sum(len(nodes) * (end_s - start_s))::BIGINT AS node_s FROM allocations")[0]["node_s"]
    assert sum(event["dur"] for event in slices) == node_us * 1_000_000
    by_node: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in slices:
        if event["args"]["gpus"] >= 8:  # whole nodes: nobody else is on them
            by_node.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    assert all(
        before[1] <= after[0]
        for held in by_node.values()
        for before, after in zip(sorted(held), sorted(held)[1:], strict=False)
    )
    begun, over = ([event["id"] for event in events if event["ph"] == phase] for phase in "be")
    assert sorted(begun) == sorted(over) and begun
    assert write_trace(run, out) == count and out.read_bytes() == packed
    monkeypatch.setattr(trace, "SLICES_MOST", 3)
    with pytest.raises(SimError, match="too large for a trace"):
        write_trace(run, tmp_path / "other.json")
    with pytest.raises(SimError, match="cannot be written"):
        monkeypatch.undo()
        write_trace(run, tmp_path / "nowhere" / "run.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.json.gz"]


def test_a_gantt_holds_the_past_up_to_now_and_plans_from_there(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "run", days=1)
    now_s = 50_000
    picture = gantt(folder, now_s, 6)
    past = [series for series in picture.series if series.role == "simulated"]
    planned = [series for series in picture.series if series.role == "limit"]
    held = read(folder).query(
        "SELECT sum(len(nodes) * (least(end_s, $now) - greatest(start_s, $from)))::BIGINT AS node_s FROM allocations"
        " WHERE start_s < $now AND end_s > $from",
        **{"now": now_s, "from": now_s - 6 * 3_600},
    )[0]["node_s"]
    drawn_h = sum(
        until - since for series in past for since, until in zip(series.low or (), series.high or (), strict=True)
    )
    assert drawn_h * 3_600 == pytest.approx(held)
    assert planned and all(since >= now_s / 3_600 for series in planned for since in series.low or ())
    with pytest.raises(SimError, match="not within the run"):
        gantt(folder, 10**7, 6)
