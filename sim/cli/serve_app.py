"""The application that `spillway serve` serves, with everything that it asks of this machine."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.cli.frame import Session
from sim.cli.store import secrets_of, terms_for

if TYPE_CHECKING:
    from billing.log.event import Event
    from billing.store.door import Door
    from billing.store.engine import Store

_TERMS_S = 5  # for so long the terms that were read are taken to be the terms
_GAUGES_AGE_S = 5  # for so long what the store holds is told again, however often it is asked for


class Served(NamedTuple):
    """What is served, and how: as the flags of `spillway serve`. `metrics_token`, `run`: "" for none.
    Operators look at that run, or at all those of `--runs`. `workers` processes answer, and share the rates;
    `trusted_proxies` are addresses that may say for whom they ask; `try_webhooks` is the port of this machine that all
    webhooks go to, 0: none."""

    session: Session
    db: str
    secrets: str | None
    terms: str | None
    behind_tls: bool
    access_log: bool
    metrics_token: str
    run: str
    workers: int = 1
    trusted_proxies: tuple[str, ...] = ()
    try_webhooks: int = 0


def app_of(served: Served, door: "Door", store: "Store", process: str) -> Any:
    """Return the API and the console over a store, metered. `process` names this one among several."""
    from functools import partial

    from billing.api.app import create_app
    from billing.api.metrics import Metered
    from billing.api.ports import DeskPort
    from billing.console.app import with_console
    from billing.store.api_terms import TermsSource
    from billing.webhooks.sending import trial_addresses
    from sim.answers.runs_port import Runs
    from sim.cli.bill_export import ISSUER
    from sim.cli.db_settle import given_terms, parse_terms
    from sim.cli.edge import entropy, now_s
    from sim.cli.runs import find_run, run_folders
    from sim.cli.serve_desk import ServedDesk
    from tenants.access.limits import Limits

    kept = secrets_of(served.db, served.secrets, make=False)
    accepts = _accepts(store, served.terms)
    session = served.session
    folders = partial(run_folders, session.runs) if not served.run else lambda: [find_run(session, served.run)]
    desk = ServedDesk(door, served.terms, now_s)
    api = create_app(
        door,
        kept,
        now_s,
        entropy,
        trial_addresses if served.try_webhooks else addresses,
        Limits().shared_by(served.workers),
        accepts=accepts,
        terms_fit=_terms_fit,
        runs=Runs(folders),
        terms=TermsSource(parse_terms, given_terms(served.terms), ISSUER),
        desk=DeskPort(desk.terms, desk.turn),
    )
    log = _log_line if served.access_log else None
    console, token = with_console(api, behind_tls=served.behind_tls), served.metrics_token
    return Metered(console, process, Gauges(door), token, log, behind_proxy=served.behind_tls)


class Gauges:
    """What the store holds by now, looked up at most every few seconds."""

    def __init__(self, door: "Door") -> None:
        self._door = door
        self._told: Mapping[str, int] = {}
        self._until_s = 0

    def __call__(self) -> Mapping[str, int]:
        """Return each number by its name; none while the store does not answer."""
        from billing.errors import StoreError
        from billing.store.health import health_in
        from sim.cli.edge import now_s
        from tenants.access.scope import local_scope

        now = now_s()
        if now >= self._until_s:
            try:
                with self._door.working(local_scope(), write=False) as bound:
                    self._told = health_in(bound.connection, now)
            except StoreError:
                self._told = {}
            self._until_s = now + _GAUGES_AGE_S
        return self._told


def _log_line(line: str) -> None:
    from sim.cli.edge import now_s

    sys.stderr.write(f'{{"time_s": {now_s()}, {line[1:]}\n')


def addresses(host: str) -> list[str]:
    """The addresses that a name has now; none for one that nobody knows."""
    from socket import SOCK_STREAM, gaierror, getaddrinfo

    try:
        return sorted({str(found[4][0]) for found in getaddrinfo(host, 443, type=SOCK_STREAM)})
    except (gaierror, UnicodeError):
        return []


def _accepts(store: "Store", file: str | None) -> "Callable[[Event, Mapping[str, Any]], bool]":
    """Whether an event could be billed by the terms of the store, asked of each that a tenant reports."""
    from billing.errors import StoreError
    from billing.log.known import KnownTerms
    from sim.cli.edge import now_s

    held: list[KnownTerms] = []
    again_s = 0

    def look() -> bool:
        """Whether there are terms. A source may bring them while the service runs, and an operator may put others in
        force, so whoever needs them looks."""
        nonlocal again_s
        try:
            held[:] = [KnownTerms(terms_for(store, file))]
        except StoreError:
            return False
        again_s = now_s() + _TERMS_S
        return True

    def accepts(event: "Event", data: Mapping[str, Any]) -> bool:
        stale = file is None and now_s() >= again_s
        if (not held or stale) and not look() and not held:
            return False
        known = held[0]
        return not known.fault(event, data) and not known.price_fault(data, data["from_s"], data["until_s"])

    look()  # a file that is no terms is refused before anybody comes
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
