"""`--engine`: the run folder is the same, byte for byte; what cannot be is refused by name."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler.kernel import step
from sim.cli import app
from sim.engine import compiled as machine
from sim.engine import run as running


def plain() -> tuple[object, object]:
    """The kernel's source uncompiled: what runs where numba is not installed."""

    def advance_run(*arrays):
        return step.advance_run(*map(memoryview, arrays[:4]), arrays[4])

    return advance_run, lambda *arrays: step.close_run(*map(memoryview, arrays))


def spillway(*words: str):
    return CliRunner().invoke(app, list(words))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_both_engines_write_the_same_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "installed", lambda: True)
    monkeypatch.setattr(running, "compiled", plain)
    folders = []
    for engine in ("python", "numba"):
        folders.append(tmp_path / engine / "run")
        done = spillway("run", "small", "--days", "1", "--no-reasons", "--engine", engine, "--out", str(folders[-1]))
        assert done.exit_code == 0, done.output
    assert files(folders[0]) == files(folders[1])


def test_what_the_compiled_engine_cannot_do_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "installed", lambda: True)
    out = str(tmp_path / "run")
    done = spillway("run", "small", "--policy", "easy_fgd", "--no-reasons", "--engine", "numba", "--out", out)
    assert done.exit_code == 2
    assert "policy easy_fgd: place" in done.output
    done = spillway("run", "small", "--engine", "fortran", "--out", out)
    assert done.exit_code == 2
    assert "auto" in done.output
