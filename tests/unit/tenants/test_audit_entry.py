"""The bytes of an entry: canonical, one line, nothing in them that a reader would act on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.audit.entry import AuditEntry, commitment, details_text, entry_hash, entry_of, escaped, leaf_bytes
from tenants.audit.merkle import leaf_hash

TEXT = st.text(st.characters(), max_size=20)
ENTRIES = st.builds(entry_of, TEXT, st.integers(1), st.integers(), TEXT, TEXT, TEXT, TEXT, st.just("ab" * 32))


@given(ENTRIES)
def test_a_leaf_is_canonical_json_of_all_fields(entry: AuditEntry) -> None:
    expected = json.dumps(entry._asdict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert leaf_bytes(entry) == expected.encode()
    assert entry_hash(entry) == leaf_hash(expected.encode())


@given(ENTRIES, ENTRIES)
def test_different_entries_have_different_leaves(one: AuditEntry, other: AuditEntry) -> None:
    assert (leaf_bytes(one) == leaf_bytes(other)) == (one == other)


@given(TEXT, TEXT)
def test_escaped_text_prints_on_one_line_and_stays_distinct(one: str, other: str) -> None:
    assert escaped(one).isprintable()
    assert (escaped(one) == escaped(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("acme", "acme"),
        ("Müller & Söhne", "Müller & Söhne"),
        ("a\nb", r"a\nb"),
        ("a\\nb", r"a\\nb"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028next", r"\u2028next"),
        ("\x00", r"\x00"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_commitment_binds_salt_and_details() -> None:
    details = details_text({"b": 1, "a": "\n"})
    assert details == '{"a":"\\n","b":1}'
    salts = [bytes([number]) * 32 for number in (1, 2)]
    assert len({commitment(salt, text) for salt in salts for text in (details, "{}")}) == 4
    with pytest.raises(AssertionError, match="salt"):
        commitment(b"short", details)
