"""One attempt to deliver a message: a POST to an address that was checked a moment ago, and to no other.

The name is resolved once, all of its addresses are checked, and the connection goes to one of those: what the name
means a moment later does not matter. A redirect is another target, checked in the same way. Of the answer its status
counts and nothing else is read; whatever is slow is cut off.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from socket import SHUT_RDWR, create_connection
from socket import socket as Socket
from threading import Timer
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from billing.webhooks.schedule import Sent
from billing.webhooks.target import Resolver, TargetError, require_redirects

WAIT_S: Final = 10
_REDIRECTS = (307, 308)  # those that say: send the same again, there
_SUCCESS = range(200, 300)
_THIS_MACHINE, _NOWHERE = "127.0.0.1", "93.184.215.14"


class Way(NamedTuple):
    """How a target is reached.

    Attributes:
        addresses: the addresses of the last of a chain of a URL and its redirects; raises TargetError for a bad one.
        wrap:      what is spoken over a connection to a host: TLS, with its name checked.
        wait_s:    how long an attempt may take in all.
        port:      where to knock instead of the port of the URL; None: there.
    """

    addresses: Callable[[str, Sequence[str]], Sequence[str]]
    wrap: Callable[[Socket, str], Socket]
    wait_s: int = WAIT_S
    port: int | None = None


def public_way(resolve: Resolver) -> Way:
    """Return the way to the public internet, over TLS."""
    context = ssl.create_default_context()

    def wrapped(plain: Socket, host: str) -> Socket:
        # The handshake comes later, when whoever cuts off what is slow can see the connection.
        return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)

    return Way(lambda url, locations: require_redirects(url, locations, resolve), wrapped)


def trial_way(port: int) -> Way:
    """Return the way to a port of this machine, plainly, whatever a URL says: for trying webhooks. Nothing leaves the
    machine, and a redirect is not followed."""

    def here(_: str, locations: Sequence[str]) -> Sequence[str]:
        if locations:
            raise TargetError("redirects are not followed in a trial")
        return (_THIS_MACHINE,)

    return Way(here, lambda plain, _host: plain, port=port)


def trial_addresses(_: str) -> Sequence[str]:
    """Return what every name means in a trial: an address of the public internet, which nothing is sent to."""
    return (_NOWHERE,)


def send(url: str, headers: Mapping[str, str], body: bytes, way: Way) -> Sent:
    """Try to deliver a message, following redirects. Never raises: what failed is in what it returns."""
    locations: list[str] = []
    while True:
        try:
            addresses = way.addresses(url, locations)
        except TargetError as error:
            return Sent(None, f"target refused: {error.message}")
        except (OSError, ValueError) as error:
            return Sent(None, f"no address: {type(error).__name__}")
        here = url
        for location in locations:
            here = urljoin(here, location)
        code, location = _post(here, addresses[0], headers, body, way)
        if code is None or code in _SUCCESS:
            return Sent(code, "" if code else location)
        if code not in _REDIRECTS or not location:
            return Sent(code, f"answered {code}")
        locations.append(location)


def _post(url: str, address: str, headers: Mapping[str, str], body: bytes, way: Way) -> tuple[int | None, str]:
    """The status of an answer and where it leads; or None and what failed."""
    parts = urlsplit(url)
    connection = _Pinned(parts.hostname or "", parts.port or 443, address, way)
    end = Timer(way.wait_s, connection.cut)
    end.daemon = True
    end.start()
    try:
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers.get("location") or ""
    except ssl.SSLCertVerificationError:
        return None, "TLS does not prove the host"
    except (OSError, HTTPException, ValueError) as error:
        late = connection.was_cut or isinstance(error, TimeoutError)
        return None, f"took longer than {way.wait_s} s" if late else f"no answer: {type(error).__name__}"
    finally:
        end.cancel()
        connection.close()


class _Pinned(HTTPConnection):
    """A connection for a host's name that goes to an address that is given."""

    def __init__(self, host: str, port: int, address: str, way: Way) -> None:
        super().__init__(host, port, timeout=way.wait_s)
        self.was_cut = False
        self._address, self._way = address, way

    def connect(self) -> None:
        """Connect to the address, as a client of the host."""
        self.sock = create_connection((self._address, self._way.port or self.port), self.timeout)
        if self.was_cut:  # before there was anything to cut
            raise TimeoutError
        self.sock = self._way.wrap(self.sock, self.host)
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    def cut(self) -> None:
        """End whatever is going on."""
        self.was_cut = True
        if self.sock is not None:
            with suppress(OSError):  # it has ended by itself
                Socket.shutdown(self.sock, SHUT_RDWR)  # below TLS: nothing is said any more
