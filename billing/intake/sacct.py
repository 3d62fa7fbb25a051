"""Slurm accounting: the output of

    TZ=UTC sacct --allusers --duplicates --parsable2 --format JobID,Account,State,AllocTRES,Start,End,Suspended

Columns may stand in any order, others may stand beside them; Suspended may be missing. The account is the tenant; the
GPU's type in AllocTRES is the SKU, in lower case. Times are local to the cluster, without an offset.

    requeued jobs        each run of a job is an interval of its own (`--duplicates` lists them all)
    steps (123.batch)    are part of their job, and counted only
    Unknown as end       still running
    Unknown as start     never ran: counted only
    no gres/gpu          held no GPU: counted only
    Suspended            seconds in which a job stood still: free where the product does not charge stalled time
"""

import re
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from billing.errors import UsageError
from billing.intake.record import Defaults, Interval, Passed, Rejected, gpus_of, local_unix_s, name_fault

_WANTED = ("JobID", "Account", "State", "AllocTRES", "Start", "End")
_NEVER = ("", "Unknown", "None")
STATES = {
    "COMPLETED": "finished",
    "COMPLETING": "finished",
    "TIMEOUT": "finished",
    "DEADLINE": "finished",
    "CANCELLED": "finished",
    "REVOKED": "finished",
    "STOPPED": "finished",
    "RUNNING": "finished",
    "SUSPENDED": "finished",
    "RESIZING": "finished",
    "FAILED": "crashed",
    "OUT_OF_MEMORY": "crashed",
    "PREEMPTED": "evicted",
    "REQUEUED": "evicted",
    "SPECIAL_EXIT": "evicted",
    "NODE_FAIL": "node_fault",
    "BOOT_FAIL": "start_refused",
    "LAUNCH_FAILED": "start_refused",
    "RECONFIG_FAIL": "start_refused",
    "PENDING": "finished",
}
_TYPED = re.compile(r"gres/gpu:([^=,]+)=(\d+)")
_PLAIN = re.compile(r"gres/gpu=(\d+)")
_SPAN = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)(?:\.\d+)?")


def read_sacct(
    lines: Iterable[str], defaults: Defaults, file: str, zone: ZoneInfo
) -> Iterator[Interval | Rejected | Passed]:
    """Yield what each line tells; a line that makes no sense is rejected, and the rest goes on. Memory: one line.

    Raises:
        UsageError: a column is missing, or no product and region are given.
    """
    numbered = iter(enumerate(lines, 1))
    header = next(numbered, (1, ""))[1].lstrip("\ufeff").strip().split("|")
    at = {name.strip(): place for place, name in enumerate(header)}
    for name in _WANTED:
        if name not in at:
            allowed = f"sacct --parsable2 --format {','.join(_WANTED)}"
            raise UsageError("column is missing", code="missing_key", file=file, path=name, allowed=allowed)
    for name in ("product", "region"):
        if not getattr(defaults, name):
            raise UsageError("sacct does not tell it", code="missing_key", file=file, path=name, allowed=f"--{name}")
    for number, text in numbered:
        cells = text.rstrip("\r\n").split("|")
        if not text.strip():
            continue
        if len(cells) != len(header):
            yield Rejected(number, cells[0][:80], f"{len(cells)} columns, the header has {len(header)}")
            continue
        yield _told(number, {name: cells[place].strip() for name, place in at.items()}, defaults, zone)


def span_s(text: str) -> int | None:
    """Return a span that Slurm wrote as [DD-[HH:]]MM:SS in seconds; None for anything else."""
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _told(number: int, cell: dict[str, str], defaults: Defaults, zone: ZoneInfo) -> Interval | Rejected | Passed:
    job = cell["JobID"]
    if "." in job:
        return Passed("steps of jobs")
    state = cell["State"].split(" ")[0].rstrip("+")
    if state not in STATES:
        return Rejected(number, job, f"state is {state[:40]!r}, allowed {', '.join(STATES)}")
    if cell["Start"] in _NEVER:
        return Passed("jobs that never ran")
    held = gpus_in(cell["AllocTRES"])
    if unread := _unread_gpus(cell["AllocTRES"], held):
        return Rejected(number, job, unread)
    if not held:
        return Passed("jobs without a GPU")
    (sku, gpus), *more = held.items()
    if more:
        return Rejected(number, job, f"GPUs of {len(held)} types in one job: bill its parts by an interval file")
    if gpus_of(str(gpus)) is None:
        return Rejected(number, job, f"{gpus} GPUs are more than there can be")
    start_s = local_unix_s(cell["Start"], zone)
    end_s = None if cell["End"] in _NEVER else local_unix_s(cell["End"], zone)
    for name, at_s in (("Start", start_s), ("End", end_s)):
        if at_s is None and not (name == "End" and cell["End"] in _NEVER):
            reason = f"{name} is {cell[name][:40]!r}: no time, or not one time in {zone.key}; run sacct with TZ=UTC"
            return Rejected(number, job, reason)
    stalled_s = span_s(cell.get("Suspended") or "00:00")
    if stalled_s is None:
        return Rejected(number, job, f"Suspended is {cell['Suspended'][:40]!r}, allowed [DD-[HH:]]MM:SS")
    assert start_s is not None, "looked at above"
    place = defaults.product, defaults.region, sku or defaults.sku
    if fault := name_fault(job, cell["Account"], *place):
        return Rejected(number, job[:80], fault)
    return Interval(number, job, cell["Account"], *place, gpus, start_s, end_s, STATES[state], stalled_s)


def gpus_in(tres: str) -> dict[str, int]:
    """Return the GPUs by type in an AllocTRES; the type is "" where only the sum is told.

    >>> gpus_in("billing=64,cpu=64,gres/gpu=8,gres/gpu:H100=8,mem=900G,node=1")
    {'h100': 8}
    """
    typed = {name.lower(): int(count) for name, count in _TYPED.findall(tres) if int(count)}
    plain = sum(int(count) for count in _PLAIN.findall(tres))
    return typed or ({"": plain} if plain else {})


def _unread_gpus(tres: str, held: dict[str, int]) -> str:
    """Return in words why an AllocTRES tells of GPUs that `gpus_in` does not see, "" if it sees all."""
    parts = [part for part in tres.split(",") if re.split("[:=]", part)[0] == "gres/gpu"]
    for part in parts:
        if not (_TYPED.fullmatch(part) or _PLAIN.fullmatch(part)):
            return f"AllocTRES has {part[:40]!r}, allowed gres/gpu=N and gres/gpu:TYPE=N"
    totals = [int(part.partition("=")[2]) for part in parts if _PLAIN.fullmatch(part)]
    if totals and sum(totals) != sum(held.values()):
        return f"{sum(totals)} GPUs, of which {sum(held.values())} have a type"
    return ""
