"""RFC 6962 section 2.1 word for word: recursive definitions over lists of the leaves themselves. Slow and obvious."""

from hashlib import sha256


def half(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: list[bytes]) -> bytes:
    """The Merkle Tree Hash of a list of inputs."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = half(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """The audit path of the input at index m."""
    if len(leaves) == 1:
        return []
    k = half(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes]) -> list[bytes]:
    """The consistency proof between the first m inputs and all of them; empty for m = 0."""
    return subproof(m, leaves, True) if m else []


def subproof(m: int, leaves: list[bytes], known: bool) -> list[bytes]:
    """`known`: the subtree is one whose hash the asker has."""
    n = len(leaves)
    if m == n:
        return [] if known else [mth(leaves)]
    k = half(n)
    if m <= k:
        return [*subproof(m, leaves[:k], known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]
