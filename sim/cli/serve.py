"""`spillway serve`: the API and the console over a store, on this machine."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from sim.cli.audit_verify import WitnessFlag
from sim.cli.failure import TERMINATED
from sim.cli.frame import Session, session_of
from sim.cli.output import note
from sim.cli.serve_flags import (
    AccessLogFlag,
    BehindTlsFlag,
    CheckpointEveryFlag,
    ConnectionsFlag,
    MetricsTokenFlag,
    SettleEveryFlag,
    TrustedProxyFlag,
    TryWebhooksFlag,
    proxies_of,
    trial_port,
)
from sim.cli.store import DEFAULT, DbFlag, SecretsFlag, TermsFlag, secrets_of
from sim.cli.tenants import TombstonesFlag

if TYPE_CHECKING:
    from socket import socket as Socket
    from tempfile import TemporaryDirectory

    from billing.store.engine import Store
    from billing.store.worker_lock import WorkerLock
    from sim.cli.serve_app import Served
    from sim.cli.serve_upkeep import Upkeep
    from sim.cli.serve_worker import Job
    from sim.cli.settle_process import SettleProcess

PORT = 8340
SETTLE_EVERY_S = 5
CHECKPOINT_EVERY_S = 3_600
CONNECTIONS_MAX = 1_000
_KEYS = "spillway keys create --help"


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65_535, help="0: any that is free.")] = PORT,
    run: Annotated[str, typer.Option("--run", metavar="RUN", help="Show a finished run, in a store of its own.")] = "",
    init: Annotated[bool, typer.Option("--init", help="Make the store, and an operator's key if it has none.")] = False,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, max=64, help="Processes that answer.")] = 1,
    connections_max: ConnectionsFlag = CONNECTIONS_MAX,
    terms: TermsFlag = None,
    db: DbFlag = DEFAULT,
    secrets: SecretsFlag = None,
    settle_every: SettleEveryFlag = SETTLE_EVERY_S,
    checkpoint_every: CheckpointEveryFlag = CHECKPOINT_EVERY_S,
    witness: WitnessFlag = None,
    tombstones: TombstonesFlag = None,
    behind_tls: BehindTlsFlag = False,
    trusted_proxy: TrustedProxyFlag = None,
    metrics_token: MetricsTokenFlag = "",
    access_log: AccessLogFlag = False,
    try_webhooks: TryWebhooksFlag = 0,
) -> None:
    """Serve the API and the console over a store. It starts only if the walls of the database stand; Ctrl-C ends it.

    Put a proxy that speaks TLS before it: keys travel in a header.
    """
    from sim.cli.serve_app import Served
    from sim.cli.serve_first import ready_store, say_first_key, show_run

    session, proxies = session_of(ctx), proxies_of(trusted_proxy or (), behind_tls)
    trial = trial_port(try_webhooks, behind_tls)
    with ExitStack() as stack:
        if run and _source(ctx, "db") != "COMMANDLINE":  # a run is for looking: not into the store that one works with
            db = str(Path(stack.enter_context(_folder())) / "run.db")
        store = ready_store(session, db, secrets, init, _source(ctx, "db") != "DEFAULT" and not run)
        if run:
            show_run(session, store, db, secrets, run)
        else:
            say_first_key(session, store, db, secrets, init)
        words = (session, db, secrets, terms, behind_tls, access_log, metrics_token, run)
        served = Served(*words, workers, proxies, trial)
        rounds = Rounds(settle_every, checkpoint_every, tombstones, witness)
        _serve(stack, served, store, rounds, _Listening(host, port, workers, connections_max))
    note(session, "stopped; whatever was answered is kept")


class Rounds(NamedTuple):
    """How often what the service does by itself comes round, and the files that it keeps beside the database."""

    settle_every_s: int
    checkpoint_every_s: int
    tombstones: str | None
    witness: str | None


class _Listening(NamedTuple):
    host: str
    port: int
    workers: int
    connections_max: int


def _serve(stack: ExitStack, served: "Served", store: "Store", rounds: Rounds, where: _Listening) -> None:
    """Answer until told to stop. What is to be closed then is left on the stack."""
    from billing.store.door import door_of
    from billing.store.engine import place_of
    from billing.store.worker_lock import WorkerLock
    from billing.webhooks.dispatch import Dispatcher
    from billing.webhooks.sending import public_way, trial_way
    from sim.cli.edge import entropy, now_s
    from sim.cli.serve_app import addresses, app_of
    from sim.cli.serve_desk import ServedDesk
    from sim.cli.serve_http import Processes, server_of
    from sim.cli.serve_upkeep import Files, Upkeep
    from sim.cli.serve_worker import Chosen, Job, Worker
    from sim.cli.settle_process import Of, SettleProcess
    from tenants.access.scope import local_scope

    session, kept = served.session, secrets_of(served.db, served.secrets, make=False)
    door = door_of(store, kept, entropy)
    upkeep = Upkeep(door, store, served.db, Files(rounds.tombstones, rounds.witness), kept.checkpoint, now_s)
    for tenant in upkeep.bury():
        note(session, f"{tenant} was deleted again: the store is from before its deletion")
    settling = SettleProcess(Of(served.db, served.secrets, served.terms))
    way = trial_way(served.try_webhooks) if served.try_webhooks else public_way(addresses)
    dispatcher = Dispatcher(door, local_scope(), kept.cursor, way, now_s)
    say, lock = partial(note, session), WorkerLock(store)
    desk = ServedDesk(door, served.terms, now_s, say)
    stack.callback(lock.close)
    chosen = Chosen(lock, say)
    # Two, since what is due in seconds does not wait for a log to be settled.
    quick = [Job("desk", 1, desk.turn), Job("deliveries", 1, dispatcher.round)]
    workers = [Worker(jobs, now_s, say, chosen) for jobs in (_jobs(settling, rounds, upkeep), quick)]
    _note_owner(session, store)
    listening = stack.enter_context(_listening(where.host, where.port))
    note(session, f"serving {place_of(store)} at {_shown(listening)}, for people at /console/; keys: {_KEYS}")
    if served.try_webhooks:
        note(session, f"all webhooks go to 127.0.0.1:{served.try_webhooks}, plainly: a trial, not for tenants")
    many = Processes(served, listening, where.workers, where.connections_max, say)
    app = app_of(served, door, store, "1")  # made here in any case: what is wrong with it is said before anybody comes
    desk.terms()  # if there are none, it is said by now
    for worker in workers:
        worker.start()
    try:
        if where.workers > 1:
            many.run()
        else:
            server_of(app, where.connections_max, served.trusted_proxies).run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    except SystemExit as leaving:  # how SIGTERM leaves; for what runs until it is told to stop, that is the end
        if leaving.code != TERMINATED:
            raise
    finally:
        many.stop()
        settling.close()
        dispatcher.close()
        for worker in workers:
            worker.stop()
    if rounds.checkpoint_every_s:
        _checkpoint_last(session, upkeep, lock)


def _source(ctx: typer.Context, name: str) -> str:
    """Where a flag's value came from: COMMANDLINE, ENVIRONMENT or DEFAULT."""
    source = ctx.get_parameter_source(name)
    return "DEFAULT" if source is None else source.name


def _folder() -> "TemporaryDirectory[str]":
    from tempfile import TemporaryDirectory

    return TemporaryDirectory(prefix="spillway-run-")


def _shown(listening: "Socket") -> str:
    address, number = listening.getsockname()[:2]
    return f"http://[{address}]:{number}" if ":" in address else f"http://{address}:{number}"


def _checkpoint_last(session: Session, upkeep: "Upkeep", lock: "WorkerLock") -> None:
    """Witness what was done until the end, if that was ours to do. What was answered is kept, whatever is said of the
    log."""
    from billing.errors import StoreError
    from tenants.audit.checkpoint import AuditError

    try:
        if lock.mine():
            upkeep.checkpoint()
    except (AuditError, StoreError) as error:
        note(session, f"no checkpoint was written: {error}")


def _jobs(settling: "SettleProcess", rounds: Rounds, upkeep: "Upkeep") -> "list[Job]":
    """What the service does by itself. Whoever adds a job adds a line."""
    from sim.cli.serve_worker import Job

    jobs = [
        Job("settling", rounds.settle_every_s, settling.settle),
        Job("budgets", rounds.settle_every_s, upkeep.budgets),
        Job("calls", rounds.settle_every_s, upkeep.calls),
        Job("purging", rounds.checkpoint_every_s, upkeep.purge),
        Job("checkpoint", rounds.checkpoint_every_s, upkeep.checkpoint),
    ]
    return [job for job in jobs if job.every_s]


def _note_owner(session: Session, store: "Store") -> None:
    """Say that the process need not be able to do everything, where it is: whoever took it over could."""
    from billing.store.walls.grants import Wall
    from billing.store.walls.postgres import role_of

    if store.dialect.name == "postgresql" and store.url.username != role_of(Wall.SIGN_IN):
        note(session, f"name {role_of(Wall.SIGN_IN)} as the user of --db: to serve, nobody must own the tables")


def _listening(host: str, port: int) -> "Socket":
    """A socket that listens. Raises SimError for an address that is not ours, or a port that is taken."""
    from socket import AF_INET, AF_INET6, IPPROTO_TCP, TCP_NODELAY, create_server

    from sim.errors import SimError

    try:
        listening = create_server((host, port), family=AF_INET6 if ":" in host else AF_INET)
        # Head and body of an answer are two writes: without this the second waits for the client's delayed ACK, 40 ms.
        # asyncio sets it on sockets of its own alone; those that are accepted here take it over.
        listening.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return listening
    except (OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or "not an address"
        raise SimError(words.lower(), code="cannot_listen", path="--host, --port", found=f"{host}:{port}") from None
