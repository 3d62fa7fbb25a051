"""Where a webhook may go: to the public internet over https, and nowhere else.

A name is asked for its addresses when it is registered and again at each delivery and redirect, since what a name
means may change between the two. All of its addresses must be public: one private address among them is enough to
refuse it.
"""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urljoin, urlsplit

from billing.errors import BillingError

Resolver = Callable[[str], Sequence[str]]  # a host's name to its addresses, () if it has none
URL_CHARS_MAX = 2_048
REDIRECTS_MAX: Final = 3
_PORTS = (443, 8443)
_ALLOWED = "https://HOST/..., on port 443 or 8443, at public addresses only"
# IPv6 addresses that carry an IPv4 address inside, which is where a packet would go in the end.
_NAT64 = 0x0064FF9B << 96
# Global by their numbers, and yet no internet: where clouds tell their machines about themselves and give them keys
# (Azure's wire server, Oracle's metadata among the addresses of RFC 6890), and IPv6 that a site kept for itself
# (RFC 3879).
_NEVER = tuple(ip_network(text) for text in ("168.63.129.16/32", "192.0.0.0/24", "fec0::/10"))


class TargetError(BillingError):
    """An address that no webhook may be sent to. The message does not say what it was: it may hold a secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_target", path="url", allowed=_ALLOWED)


def require_target(url: str, resolve: Resolver) -> tuple[str, ...]:
    """Return the public addresses that a URL may be delivered to: connect to one of these, not to the name.

    Raises:
        TargetError: not https, a user or password in it, another port, or any address that is not public.
    """
    host = _host_of(url)
    try:
        addresses: Sequence[str] = (str(ip_address(host)),)
    except ValueError:
        if _like_a_number(host):
            raise TargetError("address is written in a way that programs read differently") from None
        addresses = tuple(resolve(host))
    if not addresses:
        raise TargetError("host has no address")
    if not all(is_public(address) for address in addresses):
        raise TargetError("host is not on the public internet")
    return tuple(addresses)


def require_redirects(url: str, locations: Iterable[str], resolve: Resolver) -> tuple[str, ...]:
    """Return the addresses of the last of a chain of redirects, each of which must be a target by itself.

    Raises:
        TargetError: as `require_target`, at any step, or too many steps.
    """
    addresses = require_target(url, resolve)
    for step, location in enumerate(locations):
        if step == REDIRECTS_MAX:
            raise TargetError("too many redirects")
        try:
            url = urljoin(url, location)
        except ValueError:
            raise TargetError("not a URL") from None
        addresses = require_target(url, resolve)
    return addresses


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, also where one kind of address is wrapped in another."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return False
        if (inner := _inner(address)) is not None:
            return is_public(str(inner))
    if any(address in network for network in _NEVER):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if int(address) >> 32 in (_NAT64 >> 32, 0):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _host_of(url: str) -> str:
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise TargetError("not a plain URL")
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise TargetError("not a URL") from None
    if parts.scheme != "https":
        raise TargetError("not https")
    if "@" in parts.netloc:
        raise TargetError("a user or password in the address")
    if port not in _PORTS:
        raise TargetError("another port")
    host = (parts.hostname or "").rstrip(".")
    if not host or "%" in host or ("." not in host and ":" not in host):
        raise TargetError("not the full name of a host")
    return host


def _like_a_number(host: str) -> bool:
    """`127.1`, `0x7f.0.0.1`, `017700000001`: the last label of a name is never a number."""
    last = host.rpartition(".")[2]
    return last.isdecimal() or last.lower().startswith("0x")
