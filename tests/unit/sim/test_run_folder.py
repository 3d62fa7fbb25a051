"""What stands in a run folder, and that the books come back unchanged."""

import dataclasses
import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from billing.finding import Finding as BookFinding
from billing.money import Exact
from billing.sla.credit import Key, Outage, ServiceCredit
from billing.sla.indicators import SlaRow
from run_folders import CONTRACT, FILES, SUMMARY, TOML, Finished, finish, same, write_run
from scheduler.nodes.nodeset import of_rows
from sim.errors import SimError
from sim.folder import run_folder
from sim.folder.books import read_books
from sim.result import Finding
from sim.settle import installed


@pytest.fixture(scope="module")
def finished() -> Finished:
    """Return a run that several tests look at."""
    return finish()


@pytest.fixture(scope="module")
def folder(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> run_folder.RunFolder:
    """Return its run folder."""
    out = tmp_path_factory.mktemp("runs") / "one"
    return run_folder.read(write_run(out, finished))


class TestContents:
    def test_all_files_are_there_with_the_columns_of_the_contract(self, folder: run_folder.RunFolder) -> None:
        assert sorted(path.name for path in folder.path.iterdir()) == sorted(FILES)
        for table, names in CONTRACT.items():
            assert list(folder.columns(table))[: len(names.split())] == names.split()

    def test_manifest_says_what_was_run_and_nothing_of_where(self, folder: run_folder.RunFolder) -> None:
        manifest = folder.manifest
        run_by = {
            key: manifest[key] for key in ("format", "scenario", "seed", "policy", "lend", "horizon_s", "metered")
        }
        assert run_by == {
            "format": 1,
            "scenario": "small",
            "seed": 1,
            "policy": "easy",
            "lend": "all_idle",
            "horizon_s": 86400,
            "metered": True,
        }
        assert manifest["epoch"] == "2026-01-01T00:00:00Z"
        assert manifest["pools"] == [{"region": "us-1", "sku": "h100", "nodes": 16, "gpus_per_node": 8}]
        assert sorted(manifest["files"]) == sorted(set(FILES) - {"manifest.json"})
        for path in folder.path.iterdir():
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert str(folder.path.parent).encode() not in content

    def test_jobs_are_told_with_their_outcome(self, finished: Finished, folder: run_folder.RunFolder) -> None:
        outcomes, rows = finished.result.outcomes, finished.result.world.jobs
        columns = folder.columns("jobs")
        assert columns["job_id"].tolist() == rows.job_id
        for name in ("start_s", "end_s", "wait_s", "preemptions", "work_s", "granted_s", "held_gpus", "faults"):
            assert columns[name].tolist() == getattr(outcomes, name).tolist()
        assert set(columns["status"]) <= {"new", "pending", "granted", "running", "evicting", "done", "cancelled"}
        never = int((outcomes.start_s < 0).sum())
        assert folder.query("SELECT count(*) AS n FROM jobs WHERE start_s IS NULL") == [{"n": never}]

    def test_allocations_name_their_nodes(self, finished: Finished, folder: run_folder.RunFolder) -> None:
        columns = folder.columns("allocations")
        assert [of_rows(nodes.tolist()) for nodes in columns["nodes"]] == list(finished.result.segment_nodes)
        assert columns["nodes_count"].tolist() == [len(nodes) for nodes in columns["nodes"]]
        ids = finished.result.world.jobs.job_id
        assert columns["job_id"].tolist() == [ids[job] for job in finished.result.segments.job]

    def test_capacity_adds_up_to_what_is_installed(self, finished: Finished, folder: run_folder.RunFolder) -> None:
        (gpus,) = installed(finished.result.world).values()
        sums = folder.query("SELECT hour_s, sum(gpu_s) AS gpu_s FROM capacity GROUP BY hour_s ORDER BY hour_s")
        assert sums == [{"hour_s": hour * 3600, "gpu_s": gpus * 3600} for hour in range(24)]

    def test_line_items_carry_the_amount_three_times(self, folder: run_folder.RunFolder) -> None:
        lines = folder.query("SELECT * FROM line_items")
        assert lines
        for line in lines:
            assert int(line["amount_numerator"]) == line["quantity"] * line["unit_price_micro_usd"]
            off = int(line["amount_numerator"]) - line["amount_micro_usd"] * line["amount_denominator"]
            assert abs(off) < line["amount_denominator"] == 3600
            dollars, _, micro = line["amount_usd"].partition(".")
            assert int(dollars) * 1_000_000 + int(micro) == line["amount_micro_usd"]
            assert line["unit"] == "gpu_s"

    def test_texts_come_back(self, finished: Finished, folder: run_folder.RunFolder) -> None:
        assert folder.scenario_toml() == TOML
        assert folder.summary() == SUMMARY
        assert list(folder.tape()) == finished.result.tape
        assert folder.file("report.html").read_text() == "<html>"

    def test_queries_take_parameters_and_add_up_exactly(self, folder: run_folder.RunFolder) -> None:
        (row,) = folder.query("SELECT sum(gpu_s) * 1000000000000 AS n FROM hourly_usage WHERE tenant = $t", t="acme")
        columns = folder.columns("hourly_usage", "tenant", "gpu_s")
        assert row["n"] == int(columns["gpu_s"][columns["tenant"] == "acme"].sum()) * 10**12
        assert folder.query("SELECT * FROM hourly_usage WHERE tenant = $t", t="' OR true --") == []

    def test_many_may_read_at_once(self, folder: run_folder.RunFolder) -> None:
        asked = ["SELECT count(*) AS n FROM jobs", "SELECT sum(gpu_s) AS n FROM capacity"] * 8
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(folder.query, asked)) == [folder.query(each) for each in asked]


class TestBooks:
    def test_books_come_back_unchanged(self, finished: Finished, folder: run_folder.RunFolder) -> None:
        assert same(read_books(folder), finished.books)

    def test_credits_with_evidence_findings_and_huge_amounts_come_back(
        self, finished: Finished, tmp_path: Path
    ) -> None:
        books = finished.books
        key = Key(3, 4, 672)
        outages = (Outage("a.1.down", "a", 8, 10, 20), Outage("b.2.down", "b", 16, 30, 40))
        credit = ServiceCredit(key, "gold", 1000, Exact(10**30, 3600), Exact(10**33, 36_000_000), 10_000, outages)
        rows = [
            SlaRow(*key, "gold", 9990, 10, 1250, 1000, 10_000, 1, 2, 3, 4, 5, 6, 7, 8),
            SlaRow(4, 5, 672, None, None, 10, 10, 0, 0, 0, 0, 0, None, None, None, 0, 0),
        ]
        huge = np.array([10**25 + row for row in range(len(books.lines))], dtype=object)
        changed = dataclasses.replace(
            books,
            sla=rows,
            credits=[credit],
            lines=dataclasses.replace(books.lines, numerator=huge),
            findings=[BookFinding("hour 0", "GPU-s held by nobody", 3)],
        )
        finished.result.world.jobs.findings.append(Finding("log.swf: line 3", "refused: zero GPUs", 2))
        try:
            run = run_folder.read(write_run(tmp_path / "run", Finished(finished.result, changed)))
        finally:
            finished.result.world.jobs.findings.pop()
        assert same(read_books(run), changed)
        assert [found["about"] for found in run.manifest["findings"]] == ["input", "books"]
        assert run.query("SELECT met, credit_usd FROM sla ORDER BY tenant") == [
            {"met": False, "credit_usd": "0.010000"},
            {"met": None, "credit_usd": "0.000000"},
        ]

    def test_a_run_that_was_not_metered_has_empty_books(self, finished: Finished, tmp_path: Path) -> None:
        run_folder.write(tmp_path / "run", finished.result, None, "small", TOML, SUMMARY)
        run = run_folder.read(tmp_path / "run")
        books = read_books(run)
        assert run.manifest["metered"] is False
        assert (len(books.usage), len(books.lines), len(books.capacity), books.sla) == (0, 0, 0, [])
        for table, names in CONTRACT.items():
            assert list(run.columns(table))[: len(names.split())] == names.split()
        with pytest.raises(SimError, match=r"report.html: run has no such file"):
            run.file("report.html")
