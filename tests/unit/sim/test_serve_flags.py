"""What `spillway serve` is told of the proxy before it, and whom it then believes."""

import asyncio
from typing import Any

import pytest

from sim.cli.serve_flags import proxies_of, trial_port
from sim.cli.serve_http import server_of
from sim.errors import SimError


def seen_by(trusted: tuple[str, ...], peer: str) -> tuple[str, str]:
    """The address and the scheme that an application is told, of a request with a proxy's headers from `peer`."""
    found: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(scope)

    config = server_of(app, 0, trusted).config
    config.load()
    headers = [(b"x-forwarded-for", b"192.0.2.9, 198.51.100.7"), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": (peer, 5), "scheme": "http", "headers": headers}
    asyncio.run(config.loaded_app(scope, None, None))  # type: ignore[arg-type]
    return found[0]["client"][0], found[0]["scheme"]


@pytest.mark.parametrize(
    ("trusted", "peer", "seen"),
    [
        ((), "127.0.0.1", ("127.0.0.1", "http")),
        (("10.0.0.0/24",), "127.0.0.1", ("127.0.0.1", "http")),
        (("10.0.0.0/24",), "10.0.0.7", ("198.51.100.7", "https")),
        (("10.0.0.0/24", "198.51.100.7/32"), "10.0.0.7", ("192.0.2.9", "https")),
    ],
)
def test_only_a_trusted_proxy_says_for_whom_it_asks(
    trusted: tuple[str, ...], peer: str, seen: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # what the server beneath would believe by itself
    assert seen_by(trusted, peer) == seen


def test_a_proxy_is_an_address_and_stands_before_something() -> None:
    assert proxies_of(["10.0.0.7", "fd00::/8"], True) == ("10.0.0.7/32", "fd00::/8")
    for given, behind_tls in ((["proxy.example"], True), (["10.0.0.7/8"], True), (["10.0.0.7"], False)):
        with pytest.raises(SimError, match="--trusted-proxy"):
            proxies_of(given, behind_tls)


def test_no_trial_of_webhooks_stands_before_tenants() -> None:
    assert (trial_port(8341, False), trial_port(0, True)) == (8341, 0)
    with pytest.raises(SimError, match=r"--try-webhooks: a trial keeps webhooks .*allowed a service that nobody"):
        trial_port(8341, True)
