"""Names of nodes, as one tenant sees them: stable within a run or a cluster, different for every tenant.

Two tenants that compare what they were told cannot find out that they were on the same node, or next to each other
(case P7). Only who has the secret can make a name, and nobody can read a node from it.
"""

import hashlib
import hmac
from base64 import b32encode
from typing import Final

_BYTES: Final = 10  # 16 letters; two of a million nodes share a name once in a million million clusters


def pseudonym(secret: bytes, tenant: str, raw: str) -> str:
    """Return what `tenant` knows `raw` by: `n-` and 16 lower-case letters and digits.

    Args:
        secret: at least 32 bytes, kept outside the database; `Secrets.pseudonym` of a cluster.
        raw:    the name that must not be shown, unique in the cluster.
    """
    told = f"{len(tenant)}:{tenant}:{raw}".encode()
    digest = hmac.new(secret, told, hashlib.sha256).digest()[:_BYTES]
    return f"n-{b32encode(digest).decode().lower()}"
