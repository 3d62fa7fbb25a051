"""`spillway serve`: the API and the console over a store, on this machine."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.audit_verify import WitnessFlag
from sim.cli.failure import TERMINATED
from sim.cli.frame import Session, session_of
from sim.cli.output import note
from sim.cli.store import DEFAULT, DbFlag, SecretsFlag, TermsFlag, current_store, secrets_of, terms_for
from sim.cli.tenants import TombstonesFlag

if TYPE_CHECKING:
    from socket import socket as Socket

    from uvicorn import Server

    from billing.log.event import Event
    from billing.store.door import Door
    from billing.store.engine import Store
    from sim.cli.serve_desk import ServedDesk
    from sim.cli.serve_upkeep import Upkeep
    from sim.cli.serve_worker import Job, Worker
    from sim.cli.settle_process import SettleProcess
    from tenants.access.secrets import Secrets

PORT = 8340
SETTLE_EVERY_S = 5
CHECKPOINT_EVERY_S = 3_600
_KEYS = "spillway keys create --help"
_SHUTDOWN_S = 10  # how long answers under way may take once we are told to stop
BehindTlsFlag = Annotated[
    bool, typer.Option("--behind-tls", help="Browsers come over https, through a proxy: cookies go over it alone.")
]


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65_535, help="0: any that is free.")] = PORT,
    terms: TermsFlag = None,
    db: DbFlag = DEFAULT,
    secrets: SecretsFlag = None,
    settle_every: Annotated[
        int, typer.Option("--settle-every", metavar="S", min=0, max=86_400, help="Look for new events; 0: never.")
    ] = SETTLE_EVERY_S,
    checkpoint_every: Annotated[
        int, typer.Option("--checkpoint-every", metavar="S", min=0, max=86_400, help="Purge and witness; 0: never.")
    ] = CHECKPOINT_EVERY_S,
    witness: WitnessFlag = None,
    tombstones: TombstonesFlag = None,
    behind_tls: BehindTlsFlag = False,
) -> None:
    """Serve the API and the console over a store. It starts only if the walls of the database stand; Ctrl-C ends it.

    Put a proxy that speaks TLS before it: keys travel in a header.
    """
    from billing.console.app import with_console
    from billing.store.door import door_of
    from billing.store.engine import place_of
    from sim.cli.edge import entropy, now_s
    from sim.cli.serve_desk import ServedDesk
    from sim.cli.serve_upkeep import Files, Upkeep
    from sim.cli.serve_worker import Job, Worker
    from sim.cli.settle_process import Of, SettleProcess

    session, store = session_of(ctx), current_store(db)
    kept = secrets_of(db, secrets, make=False)
    door = door_of(store, kept, entropy)
    upkeep = Upkeep(door, store, db, Files(tombstones, witness), kept.checkpoint, now_s)
    for tenant in upkeep.bury():
        note(session, f"{tenant} was deleted again: the store is from before its deletion")
    desk = ServedDesk(door, store, terms, now_s)
    app = _api(session, door, kept, _accepts(session, store, terms), terms, desk)
    settling = SettleProcess(Of(db, secrets, terms))
    say = partial(note, session)
    worker = Worker(_jobs(settling, settle_every, upkeep, checkpoint_every), now_s, say)
    renting = Worker([Job("desk", 1, desk.turn)], now_s, say)
    _note_owner(session, store)
    with _listening(host, port) as socket:
        address, number = socket.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        note(session, f"serving {place_of(store)} at http://{shown}:{number}, for people at /console/; keys: {_KEYS}")
        try:
            _run(with_console(app, behind_tls=behind_tls), socket, (worker, renting))
        finally:
            settling.close()
            for each in (worker, renting):
                each.stop()
    if checkpoint_every:
        _checkpoint_last(session, upkeep)
    note(session, "stopped; whatever was answered is kept")


def _api(
    session: Session,
    door: "Door",
    secrets: "Secrets",
    accepts: "Callable[[Event], bool]",
    terms: str | None,
    desk: "ServedDesk",
) -> Any:
    """The API over a store, with the finished runs of `--runs` for operators."""
    from billing.api.app import create_app
    from billing.api.ports import DeskPort
    from billing.store.api_terms import TermsSource
    from sim.answers.runs_port import Runs
    from sim.cli.bill_export import ISSUER
    from sim.cli.db_settle import given_terms, parse_terms
    from sim.cli.edge import entropy, now_s
    from sim.cli.runs import run_folders

    return create_app(
        door,
        secrets,
        now_s,
        entropy,
        _addresses,
        accepts=accepts,
        terms_fit=_terms_fit,
        runs=Runs(partial(run_folders, session.runs)),
        terms=TermsSource(parse_terms, given_terms(terms), ISSUER),
        desk=DeskPort(desk.terms, desk.turn),
    )


def _run(app: Callable[..., Any], socket: "Socket", workers: "tuple[Worker, ...]") -> None:
    """Answer, and work beside it, until we are told to stop."""
    for each in workers:
        each.start()
    try:
        _server(app).run(sockets=[socket])
    except KeyboardInterrupt:
        pass
    except SystemExit as leaving:  # how SIGTERM leaves; for what runs until it is told to stop, that is the end
        if leaving.code != TERMINATED:
            raise


def _server(app: Callable[..., Any]) -> "Server":
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,  # its access log holds URLs, and those hold what people put into them
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        lifespan="off",
    )
    return uvicorn.Server(config)


def _checkpoint_last(session: Session, upkeep: "Upkeep") -> None:
    """Witness what was done until the end. What was answered is kept, whatever is said of the log."""
    from billing.errors import StoreError
    from tenants.audit.checkpoint import AuditError

    try:
        upkeep.checkpoint()
    except (AuditError, StoreError) as error:
        note(session, f"no checkpoint was written: {error}")


def _jobs(settling: "SettleProcess", settle_every_s: int, upkeep: "Upkeep", checkpoint_every_s: int) -> "list[Job]":
    """What the service does by itself. Whoever adds a job adds a line."""
    from sim.cli.serve_worker import Job

    jobs = [
        Job("calls", settle_every_s, upkeep.calls),
        Job("settling", settle_every_s, settling.settle),
        Job("budgets", settle_every_s, upkeep.budgets),
        Job("purging", checkpoint_every_s, upkeep.purge),
        Job("checkpoint", checkpoint_every_s, upkeep.checkpoint),
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


def _addresses(host: str) -> list[str]:
    """The addresses that a name has now; none for one that nobody knows."""
    from socket import SOCK_STREAM, gaierror, getaddrinfo

    try:
        return sorted({str(found[4][0]) for found in getaddrinfo(host, 443, type=SOCK_STREAM)})
    except (gaierror, UnicodeError):
        return []


def _accepts(session: Session, store: "Store", file: str | None) -> "Callable[[Event], bool]":
    """Whether an event could be billed by the terms of the store, asked of each that a tenant reports."""
    from billing.errors import StoreError
    from billing.log.event import data_of
    from billing.log.known import KnownTerms

    try:
        known = KnownTerms(terms_for(store, file))
    except StoreError as error:
        note(session, f"{error}: use that tenants report is refused until there are terms")
        return lambda _event: False

    def accepts(event: "Event") -> bool:
        data = data_of(event)
        return not known.fault(event, data) and not known.price_fault(data, data["from_s"], data["until_s"])

    return accepts


def _terms_fit(text: str) -> bool:
    """Whether a text is terms that a source can be billed by."""
    from billing.errors import BillingError
    from sim.errors import SimError
    from sim.scenario.any_terms import parse_any_terms
    from tenants.errors import TenantError

    try:
        parse_any_terms(text)
    except (BillingError, SimError, TenantError, ValueError, RecursionError):
        return False
    return True
