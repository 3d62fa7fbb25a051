"""A run folder appears whole or not at all, says the same each time, and tells when it has been damaged."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_folders import FILES, Finished, finish, write_run
from sim.errors import SimError
from sim.folder import manifest, run_folder


@pytest.fixture(scope="module")
def finished() -> Finished:
    """Return a run that several tests write down."""
    return finish()


class TestWholeAndRepeatable:
    def test_two_runs_of_one_scenario_give_the_same_bytes(self, finished: Finished, tmp_path: Path) -> None:
        first, second = write_run(tmp_path / "one", finished), write_run(tmp_path / "elsewhere", finish())
        for name in FILES:
            assert (first / name).read_bytes() == (second / name).read_bytes(), name

    def test_an_empty_folder_is_taken_and_missing_parents_are_made(self, finished: Finished, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert write_run(tmp_path / "empty", finished) == tmp_path / "empty"
        assert write_run(tmp_path / "a" / "b", finished, report_html=None) == tmp_path / "a" / "b"
        assert not (tmp_path / "a" / "b" / "report.html").exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "empty"]

    @pytest.mark.parametrize("kind", ["not empty", "a file", "a dead link", "below a file"])
    def test_a_place_that_is_taken_is_refused_before_and_left_alone(
        self, finished: Finished, tmp_path: Path, kind: str
    ) -> None:
        out = tmp_path / "out"
        if kind == "not empty":
            out.mkdir()
            (out / "mine.txt").write_text("keep")
        elif kind == "a dead link":
            out.symlink_to(tmp_path / "nowhere")
        else:
            out.write_text("keep")
        if kind == "below a file":
            out = out / "run"
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SimError) as caught:
            write_run(out, finished)
        assert str(caught.value).startswith(f"{out}: ")
        assert "\n" not in str(caught.value)
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("ours")])
    def test_nothing_is_left_behind_when_writing_fails(
        self, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
    ) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(run_folder, "_write_tape", fail)
        with pytest.raises(SimError if isinstance(error, OSError) else type(error)) as caught:
            write_run(tmp_path / "run", finished)
        if isinstance(error, OSError):
            assert "run: run folder cannot be written (found No space left on device; " in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_is_filled_meanwhile_is_left_alone(
        self, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "run"
        real: Callable[..., None] = manifest.write_manifest

        def fill(*arguments: Any) -> None:
            real(*arguments)
            out.mkdir()
            (out / "mine.txt").write_text("keep")

        monkeypatch.setattr(run_folder, "write_manifest", fill)
        with pytest.raises(SimError, match="run folder cannot be written"):
            write_run(out, finished)
        assert [path.name for path in tmp_path.rglob("*")] == ["run", "mine.txt"]


@pytest.fixture(scope="module")
def written(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("whole") / "run", finished)


class TestDamage:
    @pytest.fixture
    def run(self, written: Path, tmp_path: Path) -> Path:
        """Copy a folder to be damaged."""
        return shutil.copytree(written, tmp_path / "run")

    def test_what_is_no_run_folder_is_said_so(self, tmp_path: Path) -> None:
        with pytest.raises(SimError, match="nowhere: no such run folder"):
            run_folder.read(tmp_path / "nowhere")
        with pytest.raises(SimError, match=r"not a run folder: it has no manifest\.json"):
            run_folder.read(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "1"}', '{"format": 1}', '{"scenario": "x"}', "\xff"])
    def test_a_manifest_that_is_none_is_damage(self, run: Path, text: str) -> None:
        (run / "manifest.json").write_text(text, encoding="latin-1")
        with pytest.raises(SimError, match=r"manifest\.json: damaged run folder"):
            run_folder.read(run)

    def test_another_format_is_named(self, run: Path) -> None:
        document = json.loads((run / "manifest.json").read_text())
        (run / "manifest.json").write_text(json.dumps(document | {"format": 2}))
        with pytest.raises(SimError, match=r"run folder of another format \(found 2; allowed 1\)"):
            run_folder.read(run)

    def test_missing_and_shortened_files_are_noticed_on_opening(self, run: Path) -> None:
        whole = (run / "jobs.parquet").read_bytes()
        (run / "jobs.parquet").write_bytes(whole[:-1])
        with pytest.raises(SimError, match=r"jobs\.parquet: damaged run folder \(found \d+ bytes; allowed \d+ bytes\)"):
            run_folder.read(run)
        (run / "jobs.parquet").unlink()
        with pytest.raises(SimError, match=r"jobs\.parquet: damaged run folder \(found no file"):
            run_folder.read(run)

    @pytest.mark.parametrize("name", sorted(set(FILES) - {"manifest.json"}))
    def test_one_changed_byte_is_noticed_on_first_use(self, run: Path, name: str) -> None:
        content = bytearray((run / name).read_bytes())
        content[len(content) // 2] ^= 1
        (run / name).write_bytes(content)
        damaged = run_folder.read(run)
        with pytest.raises(SimError, match=r"damaged run folder \(found SHA-256 "):
            damaged.file(name)
        if name == "sla.parquet":
            with pytest.raises(SimError, match=r"sla\.parquet: damaged run folder"):
                damaged.query("SELECT * FROM sla")

    def test_a_file_that_vanishes_later_is_an_error_too(self, run: Path) -> None:
        opened = run_folder.read(run)
        (run / "capacity.parquet").unlink()
        with pytest.raises(SimError, match=r"capacity\.parquet: damaged run folder \(found No such file"):
            opened.columns("capacity")
