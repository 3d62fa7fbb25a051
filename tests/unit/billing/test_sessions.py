"""Sessions of the console in the store, behind the walls of both engines."""

from pathlib import Path

import pytest

from api_house import NOW_S, api_house
from some_secrets import SECRETS
from tenants.access.errors import Suspended, Unauthenticated
from tenants.access.sessions import IDLE_S, LIFE_S, SessionRecord, session_digest


def test_sessions_of_all_roles_begin_and_end(store_place: str) -> None:
    with api_house(store_place) as house:
        door = house.door
        for who in ("acme", "acme/member", "operator", "auditor"):
            scope = door.sign_in(house.keys[who], NOW_S)
            cookies = [door.open_session(scope, NOW_S + at) for at in (0, 5)]
            again = door.sign_in_session(cookies[0], NOW_S + 60)
            assert again.principal == scope.principal
            held = door.sessions_of(again, NOW_S + 60)
            assert [each.created_s for each in held] == [NOW_S + 5, NOW_S]
            assert [each.seen_s for each in held] == [NOW_S + 5, NOW_S + 60]
            digests = [session_digest(cookie, SECRETS) for cookie in cookies]
            assert door.end_sessions(again, digests[:1], NOW_S + 61) == 1
            with pytest.raises(Unauthenticated):
                door.sign_in_session(cookies[0], NOW_S + 61)
            assert door.sign_in_session(cookies[1], NOW_S + 61).principal == scope.principal
        bolt = door.sign_in(house.keys["bolt"], NOW_S)
        assert door.end_sessions(bolt, digests, NOW_S + 62) == 0, "of another tenant"
        for foreign in ("", "0" * 64, house.keys["acme"], digests[1]):
            with pytest.raises(Unauthenticated):
                door.sign_in_session(foreign, NOW_S)


def test_a_session_of_a_suspended_tenant_does_nothing_and_an_agent_gets_none(tmp_path: Path) -> None:
    with api_house(str(tmp_path / "store.db")) as house:
        scope = house.door.sign_in(house.keys["acme"], NOW_S)
        cookie = house.door.open_session(scope, NOW_S)
        body = {"scopes": ["bills:read", "tools:call"], "tools": ["read_bill"], "lifetime_s": 60}
        agent = house.door.sign_in(house.post("acme", "/v1/tokens", body).json()["text"], NOW_S)
        with pytest.raises(Unauthenticated):
            house.door.open_session(agent, NOW_S)
        house.post("operator", "/v1/operator/tenants/acme/suspend", {"reason": "a fault that was reported"})
        with pytest.raises(Suspended):
            house.door.sign_in_session(cookie, NOW_S)


def test_how_long_a_session_holds() -> None:
    held = SessionRecord("acme", "d", "k", "a", "member", 0, 0, LIFE_S, None)
    assert held.live(IDLE_S - 1) and not held.live(IDLE_S)
    late = held._replace(seen_s=LIFE_S - 1)
    assert late.live(LIFE_S - 1) and not late.live(LIFE_S)
    assert not late._replace(ended_s=5).live(LIFE_S - 1)
