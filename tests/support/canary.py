"""Canaries: unique words in every field of one tenant's world, and a search for them in all that another one is given.

The third of the three general engines (E3), first half. A canary is found as it stands, in any case, and as hex,
base64 (at each of its three alignments), percent-encoded, or escaped as in HTML and JSON. What the product logs and
prints is searched too.
"""

import base64
import html
import logging
import random
import re
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from urllib.parse import unquote_to_bytes

CLIENTS = ("httpx", "httpcore")  # who asks may log what it asks for
_LETTERS = string.ascii_lowercase + string.digits
_ESCAPED = re.compile(rb"\\u00([0-9a-fA-F]{2})")


class Canaries:
    """Words and numbers by the field that they were put into. The same generator gives the same canaries."""

    def __init__(self, rng: random.Random, whose: str = "another tenant's") -> None:
        self._rng, self._whose = rng, whose
        self._forms: dict[bytes, str] = {}
        self._pattern: re.Pattern[bytes] | None = None

    def word(self, field: str) -> str:
        """A new word of 16 letters and digits that stands for a field; it can be part of an id or a name."""
        drawn = "zq" + "".join(self._rng.choices(_LETTERS, k=14))
        self.watch(field, drawn)
        return drawn

    def number(self, field: str) -> int:
        """A new number of 11 digits: for amounts and quantities. It is found whatever separates its digits."""
        drawn = self._rng.randrange(10**10, 10**11)
        self._add(str(drawn).encode(), field)
        return drawn

    def watch(self, field: str, secret: str) -> None:
        """Watch for a text that the product made itself: a key, an id, a document number."""
        for form in forms(secret):
            self._add(form, field)

    def _add(self, form: bytes, field: str) -> None:
        self._forms.setdefault(form.lower(), field)
        self._pattern = None

    @property
    def fields(self) -> Mapping[str, int]:
        """How many forms of it are watched, by field."""
        counted: dict[str, int] = {}
        for field in self._forms.values():
            counted[field] = counted.get(field, 0) + 1
        return counted

    def found(self, data: bytes | str) -> list[str]:
        """The fields whose canaries stand in some bytes, in any form."""
        raw = data.encode() if isinstance(data, str) else data
        if self._pattern is None:
            self._pattern = re.compile(b"|".join(map(re.escape, sorted(self._forms))) or b"(?!)")
        hits = {hit for text in readings(raw) for hit in self._pattern.findall(text)}
        return sorted({self._forms[hit] for hit in hits})

    def require_absent(self, data: bytes | str, where: str) -> None:
        """Raises AssertionError: a canary stands in what another tenant was given."""
        found = self.found(data)
        assert not found, f"{where} shows {self._whose} {', '.join(found)}"


def forms(word: str) -> Iterator[bytes]:
    """A word as it stands, as hex, and as base64 wherever it begins within a group of three bytes."""
    raw = word.encode()
    yield raw
    yield raw.hex().encode()
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        inner = whole[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]  # characters made of the word's bits alone
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def readings(raw: bytes) -> Iterator[bytes]:
    """Bytes as they stand and with escapes undone, in lower case; and their digits, without what separates them."""
    yield raw.lower()
    plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), unquote_to_bytes(raw))
    if plain != raw:
        yield plain.lower()
    if b"&" in raw:
        yield html.unescape(raw.decode("utf-8", "replace")).encode().lower()
    yield re.sub(rb"(?<=\d)[.,_' ](?=\d)", b"", raw)


@contextmanager
def logged() -> Iterator[StringIO]:
    """Everything that is logged meanwhile, by whatever logger but the client's, at whatever level, with tracebacks."""
    text = StringIO()
    handler = logging.StreamHandler(text)
    handler.addFilter(lambda record: not record.name.startswith(CLIENTS))
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
