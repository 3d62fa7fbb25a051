"""Keys, scopes, authentication, agents' tokens, limits and the life of tenants, as functions."""

import copy
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import shake_256
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from some_secrets import SECRETS
from tenants.access.authenticate import authenticate
from tenants.access.errors import Forbidden, Suspended, TooManyRequests, Unauthenticated
from tenants.access.first_key import mint_first
from tenants.access.identity import MINTS, ROLE_SCOPES, SCOPES, Role, effective_scopes
from tenants.access.keys import DAY_S, KeyRecord, Minted, matches, mint, parse, successor_of
from tenants.access.lifecycle import RETENTION_S, Standing, Status, due, moved, purge_at_s, require_regions_free
from tenants.access.limits import Limit, Limiter, Limits, step
from tenants.access.ports import HeldKey, HeldToken
from tenants.access.scope import Scope, audited, break_glass, local_scope, make_scope, open_grant
from tenants.access.tokens import TOOLS, AgentToken, issue_token
from tenants.errors import TenantError

NOW_S = 1_800_000_000


def entropy_of(seed: int = 0) -> Callable[[int], bytes]:
    """Bytes that look random and are the same each time."""
    calls = count()
    return lambda n: shake_256(f"{seed}/{next(calls)}".encode()).digest(n)


@dataclass
class Kept:
    """A store of keys and tokens in memory."""

    keys: dict[str, HeldKey] = field(default_factory=dict)
    tokens: dict[str, AgentToken] = field(default_factory=dict)
    uses: list[tuple[str, int]] = field(default_factory=list)

    def keep(self, record: KeyRecord, status: Status = Status.ACTIVE, disabled_s: int | None = None) -> None:
        self.keys[record.id] = HeldKey(record, "service", disabled_s, status)

    def key(self, id_: str) -> HeldKey | None:
        return self.keys.get(id_)

    def token(self, id_: str) -> HeldToken | None:
        token = self.tokens.get(id_)
        return token and HeldToken(token, self.keys[token.key])

    def used(self, record: KeyRecord, digest: str, pepper: int, now_s: int) -> None:
        self.uses.append((record.id, pepper))
        self.keep(record._replace(digest=digest, pepper=pepper, last_used_s=now_s))


def minted(role: Role = Role.TENANT_ADMIN, *, seed: int = 0, tenant: str | None = None, **more: int) -> Minted:
    tenant = ("" if role in (Role.OPERATOR, Role.AUDITOR) else "acme") if tenant is None else tenant
    return mint(
        local_scope(),
        "ci",
        tenant,
        role,
        ROLE_SCOPES[role],
        SECRETS,
        entropy_of(seed),
        NOW_S,
        expires_s=more.get("expires_s"),
    )


def signed_in(role: Role = Role.TENANT_ADMIN, seed: int = 0, **more: int) -> Scope:
    key, kept = minted(role, seed=seed, **more), Kept()
    kept.keep(key.record)
    return authenticate(key.text, kept, SECRETS, NOW_S)


def test_a_key_opens_its_own_tenant_with_the_scopes_of_its_role() -> None:
    scope = signed_in(Role.MEMBER)
    assert (scope.tenant, scope.principal.role, scope.principal.id) == ("acme", Role.MEMBER, "ci")
    scope.require("usage:read")
    with pytest.raises(Forbidden, match="needs the scope keys:write"):
        scope.require("keys:write")
    assert signed_in(Role.OPERATOR).tenant is None


def test_every_role_has_known_scopes_and_mints_no_more_than_it_is() -> None:
    assert set().union(*ROLE_SCOPES.values()) == set(SCOPES)
    for role, mints in MINTS.items():
        assert all(ROLE_SCOPES[each] <= ROLE_SCOPES[role] for each in mints)
    assert effective_scopes(Role.MEMBER, SCOPES) == ROLE_SCOPES[Role.MEMBER]


def test_one_wrong_character_is_told_without_asking() -> None:
    text = minted().text
    for at in range(len(text)):
        wrong = text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]
        with pytest.raises(Unauthenticated):
            parse(wrong)


@given(st.text(max_size=120))
def test_nothing_but_a_key_is_one(text: str) -> None:
    with pytest.raises(Unauthenticated):
        parse(text)


def test_every_way_to_fail_says_the_same() -> None:
    key, kept = minted(), Kept()
    said = []
    cases: Mapping[str, KeyRecord | None] = {
        "unknown": None,
        "other secret": minted(seed=1).record._replace(id=key.record.id),
        "not yet": key.record._replace(not_before_s=NOW_S + 1),
        "ended": key.record._replace(expires_s=NOW_S),
        "revoked": key.record._replace(revoked_s=NOW_S),
        "pepper gone": key.record._replace(pepper=9),
    }
    for record in cases.values():
        kept.keys.clear()
        if record is not None:
            kept.keep(record)
        with pytest.raises(Unauthenticated) as refused:
            authenticate(key.text, kept, SECRETS, NOW_S)
        said.append(str(refused.value))
    kept.keep(key.record, disabled_s=NOW_S)
    with pytest.raises(Unauthenticated):
        authenticate(key.text, kept, SECRETS, NOW_S)
    assert set(said) == {"no valid key"}


def test_a_suspended_tenant_is_told_so_and_a_deleted_one_is_not_known() -> None:
    key, kept = minted(), Kept()
    kept.keep(key.record, Status.SUSPENDED)
    with pytest.raises(Suspended):
        authenticate(key.text, kept, SECRETS, NOW_S)
    kept.keep(key.record, Status.DELETED)
    with pytest.raises(Unauthenticated):
        authenticate(key.text, kept, SECRETS, NOW_S)


def test_a_new_pepper_is_taken_over_at_the_next_use() -> None:
    key, kept = minted(), Kept()
    kept.keep(key.record)
    newer = SECRETS._replace(pepper=2, peppers={**SECRETS.peppers, 2: b"q" * 32})
    authenticate(key.text, kept, newer, NOW_S)
    record = kept.keys[key.record.id].record
    assert record.pepper == 2 and matches(record.digest, 2, key.text, newer)
    authenticate(key.text, kept, newer, NOW_S + 1)
    assert kept.uses == [(key.record.id, 2)]


def test_rotation_leaves_two_live_keys_and_an_end_for_the_old_one() -> None:
    key = minted(expires_s=NOW_S + 90 * DAY_S)
    old, new = successor_of(key.record, SECRETS, entropy_of(1), NOW_S + DAY_S, 7 * DAY_S)
    assert old.live(NOW_S + 8 * DAY_S - 1) and not old.live(NOW_S + 8 * DAY_S)
    assert new.record.expires_s == NOW_S + 91 * DAY_S and old.successor == new.record.id
    with pytest.raises(TenantError, match="no successor"):
        successor_of(old, SECRETS, entropy_of(2), NOW_S + DAY_S, 0)


@pytest.mark.parametrize(
    ("tenant", "role", "scopes", "why"),
    [
        ("globex", Role.MEMBER, ["usage:read"], "others than one's own"),
        ("", Role.OPERATOR, ["tenants:read"], "others than one's own"),
    ],
)
def test_a_tenant_admin_mints_for_its_own_tenant_alone(tenant: str, role: Role, scopes: list[str], why: str) -> None:
    with pytest.raises(Forbidden, match=why):
        mint(signed_in(), "x", tenant, role, scopes, SECRETS, entropy_of(), NOW_S)


def test_a_minted_key_ends_with_its_minter_at_the_latest() -> None:
    admin = signed_in(expires_s=NOW_S + DAY_S)
    new = mint(admin, "x", "acme", Role.MEMBER, ["usage:read"], SECRETS, entropy_of(3), NOW_S)
    assert new.record.expires_s == NOW_S + DAY_S
    with pytest.raises(Forbidden, match="later end"):
        mint(admin, "x", "acme", Role.MEMBER, [], SECRETS, entropy_of(3), NOW_S, expires_s=NOW_S + 2 * DAY_S)


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_scope_is_not_copied(make: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        make(signed_in())


def test_a_scope_is_not_made_or_changed_by_others() -> None:
    scope = signed_in()
    with pytest.raises(TypeError):
        Scope(object(), scope.principal, "globex")
    with pytest.raises(AttributeError):
        scope.tenant = "globex"
    assert make_scope(scope.principal).tenant == "acme"


def test_break_glass_needs_an_operator_a_reason_and_an_open_grant() -> None:
    operator = signed_in(Role.OPERATOR)
    grant = open_grant(operator, "g1", "acme", "ticket 4711: bill disputed", NOW_S, 3600)
    opened = break_glass(operator, grant, NOW_S)
    assert (opened.tenant, opened.reason) == ("acme", "ticket 4711: bill disputed")
    opened.require("bills:read")
    for word in ("jobs:write", "tenants:write", "break_glass:write"):
        with pytest.raises(Forbidden):
            opened.require(word)
    with pytest.raises(Unauthenticated):
        break_glass(operator, grant, NOW_S + 3600)
    with pytest.raises(Forbidden):
        open_grant(operator, "g2", "acme", " \n ", NOW_S, 3600)
    with pytest.raises(Forbidden):
        break_glass(signed_in(), grant, NOW_S)


def test_an_auditor_reads_any_tenant_and_nobody_else_does() -> None:
    assert audited(signed_in(Role.AUDITOR), "acme").tenant == "acme"
    with pytest.raises(Forbidden):
        audited(signed_in(Role.OPERATOR), "acme")


def test_a_token_does_what_it_names_for_an_hour_and_dies_with_its_key() -> None:
    key, kept = minted(), Kept()
    kept.keep(key.record)
    admin = authenticate(key.text, kept, SECRETS, NOW_S)
    token = issue_token(admin, ["usage:read", "tools:call"], ["read_usage"], 3600, SECRETS, entropy_of(5), NOW_S)
    kept.tokens[token.record.id] = token.record
    agent = authenticate(token.text, kept, SECRETS, NOW_S)
    assert agent.principal.kind == "agent" and agent.principal.scopes == {"usage:read", "tools:call"}
    agent.require_tool("read_usage")
    for tool in set(TOOLS) - {"read_usage"}:
        with pytest.raises(Forbidden):
            agent.require_tool(tool)
    with pytest.raises(Unauthenticated):
        authenticate(token.text, kept, SECRETS, NOW_S + 3600)
    kept.keep(key.record._replace(revoked_s=NOW_S))
    with pytest.raises(Unauthenticated):
        authenticate(token.text, kept, SECRETS, NOW_S)


@pytest.mark.parametrize(
    ("scopes", "tools"), [(["keys:write"], []), (["usage:read"], ["read_usage"]), (["tools:call"], ["read_usage"])]
)
def test_a_token_is_never_more_than_its_key(scopes: list[str], tools: list[str]) -> None:
    with pytest.raises(Forbidden):
        issue_token(signed_in(), scopes, tools, 60, SECRETS, entropy_of(), NOW_S)


def test_nothing_prints_a_secret() -> None:
    key = minted()
    secret = key.text[-49:-6]
    for thing in (key, key.record, parse(key.text), SECRETS, signed_in()):
        assert secret not in repr(thing) and key.record.digest not in repr(thing) and "pppp" not in repr(thing)


@given(st.lists(st.integers(0, 3_000_000), max_size=60), st.integers(1, 20), st.integers(1, 10))
def test_no_window_holds_more_than_its_burst_and_rate(gaps_us: list[int], requests: int, burst: int) -> None:
    limit = Limit(requests, 10, burst)
    now_us, tat_us, passed = NOW_S * 1_000_000, 0, []
    for gap_us in gaps_us:
        now_us += gap_us
        verdict = step(tat_us, now_us, limit)
        tat_us = verdict.tat_us
        if verdict.allowed:
            passed.append(now_us)
        else:
            assert step(tat_us, now_us + verdict.retry_after_us, limit).allowed
            assert not step(tat_us, now_us + verdict.retry_after_us - 1, limit).allowed
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - passed[first]) // limit.spacing_us


@pytest.mark.parametrize("role", list(Role))
def test_only_an_operator_gives_a_tenant_its_first_key(role: Role) -> None:
    who = signed_in(role)
    if role is not Role.OPERATOR:
        with pytest.raises(Forbidden):
            mint_first(who, "a-1", "zeta", SECRETS, lambda size: bytes(size), NOW_S)
        return
    made = mint_first(who, "a-1", "zeta", SECRETS, lambda size: bytes(size), NOW_S)
    assert (made.record.tenant, made.record.role, made.record.expires_s) == (
        "zeta",
        Role.TENANT_ADMIN,
        NOW_S + 7 * DAY_S,
    )
    assert matches(made.record.digest, made.record.pepper, made.text, SECRETS)


@given(st.integers(1, 64), st.integers(0, 600), st.sampled_from(list(Limits())))
def test_processes_that_share_a_limit_let_no_more_through_than_one(count: int, seconds: int, limit: Limit) -> None:
    """Whoever asks all of them at once, all the time, has the rate of the whole; only that each lets one pass at once
    may come on top."""
    part, now_us = limit.shared_by(count), 0
    until_us, tat_us, passed = seconds * 1_000_000, 0, 0
    while now_us <= until_us:
        verdict = step(tat_us, now_us, part)
        passed += verdict.allowed
        tat_us, now_us = verdict.tat_us, now_us + max(verdict.retry_after_us, 0 if verdict.allowed else 1)
    assert passed * count <= max(count, limit.burst) + seconds * 1_000_000 // limit.spacing_us + count


def test_one_tenants_flood_leaves_the_others_alone() -> None:
    limiter = Limiter(Limits(tenant=Limit(60, 60, 5), key=Limit(60, 60, 3)))
    with pytest.raises(TooManyRequests) as refused:
        for _ in range(4):
            limiter.require("acme", "k1", NOW_S * 1_000_000)
    assert refused.value.retry_after_s == 1
    limiter.require("globex", "k2", NOW_S * 1_000_000)


def test_an_address_that_fails_is_turned_away() -> None:
    limiter = Limiter(Limits(failures=Limit(10, 60, 2)))
    for _ in range(2):
        limiter.require_address("192.0.2.1", 0)
        limiter.failed("192.0.2.1", 0)
    with pytest.raises(TooManyRequests):
        limiter.require_address("192.0.2.1", 0)
    limiter.require_address("192.0.2.2", 0)


def test_deadlines_count_from_deletion_and_bills_have_none() -> None:
    assert due(NOW_S, NOW_S) == ("credentials",)
    assert due(NOW_S, NOW_S + 30 * DAY_S) == ("credentials", "settings", "people")
    assert set(RETENTION_S) - set(due(NOW_S, NOW_S + 10**9)) == {"bills", "audit"}
    assert purge_at_s("bills", NOW_S) is None


def test_a_deleted_tenant_never_comes_back() -> None:
    suspended = moved(Status.ACTIVE, "suspend", "acme", NOW_S)
    assert suspended == Standing(Status.SUSPENDED, NOW_S, None)
    assert moved(suspended.status, "resume", "acme", NOW_S + 1) == Standing(Status.ACTIVE, None, None)
    assert moved(suspended.status, "delete", "acme", NOW_S + 2) == Standing(Status.DELETED, None, NOW_S + 2)
    for action in ("suspend", "resume", "delete"):
        with pytest.raises(TenantError, match="tenant acme is deleted"):
            moved(Status.DELETED, action, "acme", NOW_S)


def test_regions_stay_once_there_are_data() -> None:
    require_regions_free("acme", ("eu-1",), ("us-1",), has_data=False)
    require_regions_free("acme", ("eu-1",), ("eu-1",), has_data=True)
    with pytest.raises(TenantError, match="tenant acme has data"):
        require_regions_free("acme", ("eu-1",), ("us-1",), has_data=True)
