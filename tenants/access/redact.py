"""Texts that people will read, without the keys that somebody has put where an id belongs.

>>> redact("unknown key (found 'spw_live_3kZ0aQ8xV1bN7cR2d_0hJ...')")
"unknown key (found 'spw_live_3kZ0aQ8xV1bN7cR2d_[hidden]...')"
"""

import re

# Wider than what a key looks like: one that was cut short or mistyped is still most of a key.
_KEY = re.compile(r"(sp[wt]_[0-9A-Za-z]{1,10}_[0-9A-Za-z]{1,40})_[0-9A-Za-z]+")


def redact(text: str) -> str:
    """Return a text with the secret of every key in it hidden; its id stays."""
    return _KEY.sub(r"\1_[hidden]", text)
