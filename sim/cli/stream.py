"""`spillway stream`: a simulation that tells a service what happens while it happens, as a live scheduler does."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import answer
from sim.cli.run import DaysFlag, LendFlag, PolicyFlag, SeedFlag

_PACE = 3_600  # an hour of the cluster a second
_ATTEMPTS = 30  # of one call: a quarter of an hour until a service is given up


def stream(
    ctx: typer.Context,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A TOML file, or the name of a bundled one.")],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The service, as `spillway serve` prints it.")],
    key_file: Annotated[
        Path, typer.Option("--key-file", metavar="FILE", help="Holds an operator's key with the scope usage:write.")
    ],
    pace: Annotated[int, typer.Option("--pace", metavar="N", min=1, help="Seconds of the run in one of ours.")] = _PACE,
    fast: Annotated[bool, typer.Option("--fast", help="Keep no pace.")] = False,
    snapshot_every: Annotated[
        int, typer.Option("--snapshot-every", metavar="S", min=0, help="Seconds of the run between two; 0: none.")
    ] = 3_600,
    attempts: Annotated[
        int, typer.Option("--attempts", metavar="N", min=1, max=1_000, help="Of each call, before it is given up.")
    ] = _ATTEMPTS,
    seed: SeedFlag = None,
    policy: PolicyFlag = None,
    lend: LendFlag = None,
    days: DaysFlag = None,
) -> None:
    """Run a scenario and tell a service its events while it runs; killed at any time, it is simply started again.

    What the service holds already is left alone. Its log is that of `spillway run` and `spillway db import`.
    """
    from billing.client import Client
    from scheduler.policies import POLICIES
    from scheduler.policy.lend import LENDS
    from sim.cli import edge
    from sim.cli.choice import choose
    from sim.cli.progress import progress
    from sim.engine.run import run
    from sim.feed.facts import source_of
    from sim.feed.send import Sender
    from sim.folder.manifest import config_hash
    from sim.scenario.build import build
    from sim.scenario.file import load, override

    session = session_of(ctx)
    if policy is not None:
        choose(policy, list(POLICIES), "policy", "--policy")
    if lend is not None:
        choose(lend, list(LENDS), "lend function", "--lend")
    client = Client(_url(to), _key(key_file), edge.entropy, attempts=attempts)
    chosen = override(load(scenario), seed=seed, days=days, policy=policy, lend=lend)
    world, way = build(chosen), chosen.policy
    source = source_of(config_hash(chosen.text, chosen.seed, way.name, way.lend, world.horizon_s))
    # At a pace, each at most once a second of ours: a key may ask five times, and its holder may watch by it.
    lull_s, every_s = world.horizon_s, snapshot_every
    if not fast:
        lull_s, every_s = pace, snapshot_every and max(snapshot_every, pace)
    sender = Sender(client, world, source, every_s, _keeper(0 if fast else pace, edge.now_us), lull_s)
    with progress(session, f"streaming {scenario}") as tick:
        sender.begin(chosen.text)
        nodes = way.headroom_nodes
        run(world, way.name, way.lend, headroom_nodes=nodes, tape=False, progress=tick, watch=sender.watch)
    client.close()
    _answer(session, to, source, sender.counts["new"], sender.counts["duplicate"])


def _answer(session: Session, to: str, source: str, new: int, duplicates: int) -> None:
    document = {"to": to, "source": source, "new": new, "duplicates": duplicates}
    answer(session, lambda: document, list, after=f"{source}: {new:,} new, {duplicates:,} known already")


def _keeper(pace: int, now_us: Callable[[], int]) -> Callable[[int], None]:
    """What waits at each tick until the machine's clock has come as far as the run's: `pace` of its seconds in one of
    ours; 0: never."""
    from sim.cli.edge import pause_us

    start_us = now_us()

    def keep(run_s: int) -> None:
        if pace:
            pause_us(start_us + run_s * 1_000_000 // pace - now_us())

    return keep


def _url(text: str) -> str:
    """The address of a service. Raises SimError."""
    from urllib.parse import urlsplit

    from sim.errors import SimError

    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.query)
    except ValueError:
        good = False
    if not good:
        raise SimError("not the address of a service", path="--to", found=text, allowed="http(s)://host[:port]")
    return text


def _key(file: Path) -> str:
    """The key in a file. Raises SimError, OSError: no file, or no key in it; what it holds is never said."""
    from sim.errors import SimError

    text = file.read_text(encoding="utf-8", errors="replace").strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise SimError("holds no key", file=str(file), path="--key-file", allowed="one key on one line")
    return text
