"""Tasks in parallel: results in the order of the tasks, workers that die, executors that are not there."""

import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from parallel_tasks import refuse_three, square, square_or_die
from sim.errors import SimError
from sim.sweep.executors import executor
from sim.sweep.run_all import Lost, as_done, run_all


def test_results_stand_in_the_order_of_the_tasks_whoever_is_first() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * 10

    told: list[tuple[int, int]] = []
    with ThreadPoolExecutor(3) as crew:
        crew.width = 3  # type: ignore[attr-defined]
        assert run_all(range(6), slow_first, crew, lambda done, total: told.append((done, total))) == [
            0,
            10,
            20,
            30,
            40,
            50,
        ]
        assert [place for place, _ in as_done(range(3), slow_first, crew)][-1] == 0
    assert told == [(done, 6) for done in range(1, 7)]
    with executor("local", 2) as nobody:
        assert run_all([], square, nobody) == []


def test_a_killed_worker_loses_nothing_and_a_task_that_kills_them_is_named(tmp_path: Path) -> None:
    """In one pair of processes: a worker dies once, and everything is there; a task that always kills is lost alone."""
    with executor("local", 2) as crew:
        once = [(number, str(tmp_path / "killed") if number == 2 else "") for number in range(6)]
        assert run_all(once, square_or_die, crew) == [0, 1, 4, 9, 16, 25]
        assert (tmp_path / "killed").exists()
        found = dict(as_done([(1, ""), (2, "always"), (3, "")], square_or_die, crew))
        assert (found[0], found[2]) == (1, 9)
        assert isinstance(found[1], Lost) and "died 2 times: out of memory, or killed" in found[1].reason
        with pytest.raises(SimError, match=r"its worker died 2 times.*task 1 of 1"):
            run_all([(2, "always")], square_or_die, crew)


def test_what_a_task_raises_is_raised() -> None:
    with ThreadPoolExecutor(1) as crew, pytest.raises(ValueError, match="three is refused"):
        run_all(range(9), refuse_three, crew)


def test_when_the_time_is_up_the_rest_is_not_waited_for() -> None:
    with ThreadPoolExecutor(1) as crew:
        left = iter([None, None, 0])
        found = list(as_done(range(9), lambda number: time.sleep(0.05 * (number == 2)), crew, lambda: next(left)))
    assert [place for place, _ in found] == [0, 1]


@pytest.mark.parametrize("name", ["cloud", "dask://", "dask://host", "dask://host:99999", "dask://a b:1"])
def test_an_executor_that_does_not_exist_is_refused(name: str) -> None:
    with (
        pytest.raises(SimError, match=r"--executor: unknown executor .*allowed local, or dask://host:port"),
        executor(name, 1),
    ):
        pass


def test_a_scheduler_that_does_not_answer_is_refused_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        address = f"dask://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(SimError, match=r"no Dask scheduler answers there|Dask is not installed"),
            executor(address, 1),
        ):
            pass


def test_tasks_that_come_back_undone_have_lost_their_scheduler() -> None:
    class Gone(ThreadPoolExecutor):
        def submit(self, *_args: Any, **_kwargs: Any) -> "Future[Any]":
            future: Future[Any] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with Gone(1) as crew, pytest.raises(SimError, match="the scheduler has gone"):
        run_all([1, 2], square, crew)
