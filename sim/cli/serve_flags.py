"""The flags of `spillway serve` that need words, and what they may say."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Annotated

import typer

from sim.errors import SimError

BehindTlsFlag = Annotated[
    bool, typer.Option("--behind-tls", help="Browsers come over https, through a proxy: cookies go over it alone.")
]
TrustedProxyFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy", metavar="ADDRESS", help="A proxy, or a network of them, that says for whom it asks."
    ),
]
SettleEveryFlag = Annotated[
    int, typer.Option("--settle-every", metavar="S", min=0, max=86_400, help="Look for new events; 0: never.")
]
CheckpointEveryFlag = Annotated[
    int, typer.Option("--checkpoint-every", metavar="S", min=0, max=86_400, help="Purge and witness; 0: never.")
]
ConnectionsFlag = Annotated[
    int, typer.Option("--max-connections", metavar="N", min=0, help="Of each process; 0: as many as come.")
]
TryWebhooksFlag = Annotated[
    int,
    typer.Option(
        "--try-webhooks",
        metavar="PORT",
        min=0,
        max=65_535,
        help="Send all webhooks to this port of this machine, plainly, whatever their addresses: for trying them.",
    ),
]
AccessLogFlag = Annotated[bool, typer.Option("--access-log", help="A line of JSON per request, on stderr.")]
MetricsTokenFlag = Annotated[
    str,
    typer.Option("--metrics-token", envvar="SPILLWAY_METRICS_TOKEN", metavar="TEXT", help="Opens /metrics to others."),
]


def proxies_of(given: Iterable[str], behind_tls: bool) -> tuple[str, ...]:
    """Proxies as addresses or networks. Raises SimError for anything else, and where nothing is behind a proxy."""
    found = []
    for text in given:
        try:
            found.append(str(ip_network(text)))
        except ValueError:
            allowed = "an IP address or network, such as 10.0.0.7 or 10.0.0.0/24"
            raise SimError("not an address", path="--trusted-proxy", found=text, allowed=allowed) from None
    if found and not behind_tls:
        raise SimError("says for whom a proxy asks, and there is none", path="--trusted-proxy", allowed="--behind-tls")
    return tuple(found)


def trial_port(port: int, behind_tls: bool) -> int:
    """Return where webhooks go for a trial, 0 for none. Raises SimError: the service stands where tenants reach it."""
    if port and behind_tls:
        raise SimError(
            "a trial keeps webhooks from those that wait for them",
            path="--try-webhooks",
            found=f"{port}, with --behind-tls",
            allowed="a service that nobody else reaches",
        )
    return port
