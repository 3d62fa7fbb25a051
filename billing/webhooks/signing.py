"""How a delivery is signed, and how whoever receives it knows that it is ours.

A webhook has a secret, made from the installation's own by its id and generation, so that the database alone signs
nothing. What is signed is the id of the message, the second in which it was sent, and the bytes of its body. While a
new secret takes over from an old one, both sign.

    verify("whsec_...", request.headers, request.body, now_s)      # of the receiver: raises SignatureError

Source: the Standard Webhooks specification 1.0 (symmetric signatures).
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

from billing.errors import BillingError

ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
OVERLAP_S = 86_400  # for so long after a rotation the old secret signs too
TOLERANCE_S = 300  # how old a message may be, so that nobody sends an old one again
_VERSION = "v1"


class SignatureError(BillingError):
    """A message that is not known to be ours. The text holds neither the secret nor a signature."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_signature")


def secret_of(master: bytes, tenant: str, webhook: str, generation: int) -> str:
    """Return the secret of a webhook, as its owner is told it.

    Args:
        master: a secret of the installation.
    """
    told = f"webhook\n{tenant}\n{webhook}\n{generation}".encode()
    return PREFIX + b64encode(hmac.digest(master, told, "sha256")).decode()


def secrets_at(
    master: bytes, tenant: str, webhook: str, generation: int, rotated_s: int | None, now_s: int
) -> list[str]:
    """Return the secrets that sign at Unix second `now_s`, the newest first."""
    held = [secret_of(master, tenant, webhook, generation)]
    if rotated_s is not None and now_s < rotated_s + OVERLAP_S:
        held.append(secret_of(master, tenant, webhook, generation - 1))
    return held


def signed(secrets: Sequence[str], message: str, now_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message that is sent at Unix second `now_s`."""
    signatures = " ".join(_signature(secret, message, str(now_s), body) for secret in secrets)
    return {ID: message, TIME: str(now_s), SIGNATURE: signatures}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now_s: int, tolerance_s: int = TOLERANCE_S) -> str:
    """Return the id of a message that was signed with a secret. It is the same when the message comes again.

    Raises:
        SignatureError: a header is missing, the message is too old or from the future, or nobody signed it.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if missing := [name for name in (ID, TIME, SIGNATURE) if not given.get(name)]:
        raise SignatureError(f"no {missing[0]}")
    time = given[TIME]
    if not (time.isascii() and time.isdigit() and len(time) < 16 and abs(now_s - int(time)) <= tolerance_s):
        raise SignatureError(f"sent more than {tolerance_s} s from now")
    expected = _signature(secret, given[ID], time, body).encode()
    if not any(hmac.compare_digest(expected, each.encode()) for each in given[SIGNATURE].split()):
        raise SignatureError("signed by somebody else")
    return given[ID]


def _signature(secret: str, message: str, time: str, body: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    told = f"{message}.{time}.".encode() + body
    return f"{_VERSION},{b64encode(hmac.digest(key, told, 'sha256')).decode()}"
