import pytest
from pydantic import ValidationError

from tenants.model import Tenant


def test_a_tenant_is_immutable() -> None:
    tenant = Tenant(id="acme", name="Acme Robotics", kind="external")
    with pytest.raises(ValidationError, match="frozen"):
        tenant.kind = "internal"


@pytest.mark.parametrize("good", ["acme", "A1", "vc-11cb48", "user.42", "7", "a" * 100])
def test_an_id_is_a_plain_word(good: str) -> None:
    assert Tenant(id=good, name="x", kind="internal").id == good


@pytest.mark.parametrize("bad", ["", " acme", "a b", "a/b", "../x", "-x", ".x", "é", "a\n", "a" * 101])
def test_an_id_cannot_leave_its_column_folder_or_line(bad: str) -> None:
    with pytest.raises(ValidationError):
        Tenant(id=bad, name="x", kind="internal")


@pytest.mark.parametrize("bad", ["", "two\nlines", "bell\x07"])
def test_a_name_is_printable_on_one_line(bad: str) -> None:
    with pytest.raises(ValidationError):
        Tenant(id="acme", name=bad, kind="internal")
