"""Settling in a process of its own: a fold of the log is seconds of arithmetic, and no answer may wait for it.

The service asks with a line and is answered with a line of JSON. When the service is gone, in whatever way, the line to
it ends, and so does this process; what it had not committed did not happen. The store's place may hold a password, so
it comes over that line, too, and not among the arguments that everybody on the machine sees.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import NamedTuple

_NICE = 5  # answers first


class Of(NamedTuple):
    """Which store is settled: as the flags of `spillway serve`."""

    db: str
    secrets: str | None
    terms: str | None


class SettleProcess:
    """Started when it is first asked, and again if it has ended."""

    def __init__(self, of: Of) -> None:
        self._of = of
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def settle(self) -> None:
        """Settle once; nothing once it was closed. Raises SimError with the reason if it could not be done."""
        from sim.errors import SimError

        if self._closed:
            return
        try:
            process = self._started()
            fault = self._asked(process)
        except (OSError, ValueError) as error:  # a pipe that broke, or was closed meanwhile
            fault = str(error)
        if fault and not self._closed:
            raise SimError(fault, code="not_settled")

    def close(self) -> None:
        """End it, whatever it is doing: also while another thread waits for its answer."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):  # a line that was not read any more
                    assert pipe is not None
                    pipe.close()

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", __name__]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._process = subprocess.Popen(command, text=True, **pipes)  # type: ignore[call-overload]
            self._say(self._process, json.dumps(self._of))
        return self._process

    def _asked(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        self._say(process, "settle")
        answer = process.stdout.readline()
        return str(json.loads(answer)["fault"] or "") if answer else "the process that settles has ended"

    @staticmethod
    def _say(process: "subprocess.Popen[str]", line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def main() -> None:
    """Answer until the line ends."""
    from billing.store.door import open_door
    from sim.cli.db_settle import given_terms, settle_for
    from sim.cli.edge import entropy
    from sim.cli.store import secrets_of

    for told in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and the stop of a whole group, are the service's to answer
        signal.signal(told, signal.SIG_IGN)
    os.nice(_NICE)
    of = Of(*json.loads(sys.stdin.readline()))
    door, terms = None, None
    for _ in sys.stdin:
        try:
            if door is None:
                terms = given_terms(of.terms)
                door = open_door(of.db, secrets_of(of.db, of.secrets, make=False), entropy)
            fault = settle_for(door, terms).error
        except Exception as error:  # said by the service in one line; the next round tries again
            fault = " ".join(str(error).split()) or type(error).__name__
        print(json.dumps({"fault": fault}), flush=True)


if __name__ == "__main__":
    main()
