"""Deliveries over real connections: in order, at least once, to no private address, and nobody waits for the slow."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api_house import ApiHouse, api_house
from billing.client import verify_webhook
from billing.store.notices import notify
from billing.webhooks.dispatch import Dispatcher
from billing.webhooks.schedule import RETRY_AFTER_S, Sent
from billing.webhooks.sending import Way, public_way, send, trial_addresses, trial_way
from billing.webhooks.target import TargetError, require_redirects, require_target
from hook_receiver import Answer, Received, Receiver, receiver
from some_secrets import SECRETS
from tenants.access.scope import local_scope

HOOK = {"url": "https://hooks.example.com/a", "events": ["rental.ended", "invoice.issued"]}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def status_of(status: int, **headers: str) -> Callable[[Received], Answer]:
    return lambda _: (status, headers, b"")


def test_in_a_trial_everything_goes_to_one_port_of_this_machine(hooks: Receiver) -> None:
    hooks.answers["/b"] = status_of(307, Location="https://hooks.example.com/a")
    hooks.answers["/c"] = status_of(204)
    sent = [send(f"https://{each}", {}, b"{}", trial_way(hooks.port)) for each in ("a.example/c", "b.example:8443/b")]
    assert (sent[0].code, sent[1].code) == (204, None) and "redirects are not followed" in sent[1].error
    assert hooks.paths() == ["/c", "/b"]
    assert require_target("https://a.example/c", trial_addresses) and not require_public("https://10.0.0.1/c")


def require_public(url: str) -> bool:
    try:
        return bool(require_target(url, trial_addresses))
    except TargetError:
        return False


class Post:
    """The house's webhooks, sent here: a URL's path is where it arrives."""

    def __init__(self, house: ApiHouse, hooks: Receiver, wait_s: int = 2) -> None:
        here = hooks.way(wait_s)

        def addresses(url: str, locations: Any) -> Any:
            return here.addresses(local(url), locations)

        def local(url: str) -> str:
            return url.replace("https://hooks.example.com", hooks.url(""))

        self.house = house
        self.dispatcher = Dispatcher(
            house.door, local_scope(), SECRETS.cursor, here._replace(addresses=addresses), lambda: house.now_s
        )
        self._local = local

    def hook(self, path: str, who: str = "acme") -> dict[str, Any]:
        made = self.house.post(who, "/v1/webhooks", {**HOOK, "url": f"https://hooks.example.com{path}"})
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    def tell(self, tenant: str = "acme", type_: str = "invoice.issued", **body: Any) -> None:
        with self.house.door.working(local_scope()) as bound:
            notify(bound, tenant, type_, "a-1", body, self.house.now_s)

    def round(self, after_s: int = 0) -> None:
        """Let a round end."""
        self.house.now_s += after_s
        self.dispatcher.round()
        until = time.monotonic() + 20
        while self.dispatcher._under_way and time.monotonic() < until:
            time.sleep(0.005)

    def deliveries(self, hook: dict[str, Any], query: str = "", who: str = "acme") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.house.get(who, f"/v1/webhooks/{hook['id']}/deliveries{query}").json()[
            "items"
        ]
        return found


@pytest.fixture
def post(house: ApiHouse, hooks: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    with posting(house, hooks, monkeypatch) as made:
        yield made


@contextmanager
def posting(house: ApiHouse, hooks: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    made = Post(house, hooks)
    # The URL itself is https; the connection goes to the receiver's port.
    monkeypatch.setattr("billing.webhooks.dispatch.send", lambda url, *rest: send(made._local(url), *rest))
    yield made
    hooks.release.set()
    made.dispatcher.close()


def test_what_happens_is_told_in_order_signed_and_once(post: Post, hooks: Receiver) -> None:
    post.tell(n=0)
    hook = post.hook("/a")
    for n in (1, 2, 3):
        post.tell(n=n)
    post.tell(type_="key.revoked")
    post.tell("bolt", n=9)
    post.round()
    post.round()
    told = [json.loads(each.body) for each in hooks.received]
    assert [each["data"] for each in told] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert told[0] == {
        "type": "invoice.issued",
        "timestamp": "2027-01-15T08:00:00Z",
        "position": 2,
        "object": "a-1",
        "data": {"n": 1},
    }
    for each in hooks.received:
        assert verify_webhook(hook["secret"], each.headers, each.body, post.house.now_s).startswith(
            f"msg_{hook['id']}_"
        )
        assert each.headers["content-type"] == "application/json" and each.headers["host"].startswith("127.0.0.1")
    assert [each["status"] for each in post.deliveries(hook)] == ["delivered"] * 3


def test_what_fails_holds_its_place_and_comes_again_under_the_same_id(post: Post, hooks: Receiver) -> None:
    hook = post.hook("/a")
    hooks.answers["/a"] = status_of(500)
    post.tell(n=1)
    post.tell(n=2)
    post.round()
    post.round(RETRY_AFTER_S[0] - 1)
    first, second = post.deliveries(hook)
    assert (first["attempts"], first["last_code"], first["last_error"]) == (1, 500, "answered 500")
    assert (second["attempts"], second["status"]) == (0, "pending")
    del hooks.answers["/a"]
    post.round(1)
    assert [json.loads(each.body)["data"]["n"] for each in hooks.received] == [1, 1, 2]
    assert hooks.received[0].headers["webhook-id"] == hooks.received[1].headers["webhook-id"]


def test_on_postgresql_it_is_the_same(postgres_url: str, hooks: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, again under the same id, and nobody is told of others: by the worker's rights in that engine."""
    with api_house(postgres_url) as house, posting(house, hooks, monkeypatch) as post:
        hook = post.hook("/a")
        hooks.answers["/a"] = status_of(500)
        post.tell(n=1)
        post.tell("bolt", n=9)
        post.tell(n=2)
        post.round()
        assert [(each["attempts"], each["status"]) for each in post.deliveries(hook)] == [
            (1, "pending"),
            (0, "pending"),
        ]
        del hooks.answers["/a"]
        post.round(RETRY_AFTER_S[0])
        assert [json.loads(each.body)["data"]["n"] for each in hooks.received] == [1, 1, 2]
        assert hooks.received[0].headers["webhook-id"] == hooks.received[1].headers["webhook-id"]
        assert [each["status"] for each in post.deliveries(hook)] == ["delivered"] * 2
        house.post("operator", "/v1/operator/tenants/acme/delete", {"reason": "has asked for it"})
        post.tell(n=3)
        post.round()
        assert len(hooks.received) == 3


def test_what_fails_for_good_is_a_dead_letter_until_it_is_asked_for(post: Post, hooks: Receiver) -> None:
    hook = post.hook("/a")
    hooks.answers["/a"] = status_of(503)
    post.tell(n=1)
    post.tell(n=2)
    for wait_s in (0, *RETRY_AFTER_S):
        post.round(wait_s)
    dead = post.deliveries(hook, "?status=dead")
    assert [each["position"] for each in dead] == [1] and dead[0]["next"] is None
    assert len(hooks.received) == len(RETRY_AFTER_S) + 1
    del hooks.answers["/a"]
    again = f"/v1/webhooks/{hook['id']}/deliveries/1/redeliver"
    assert post.house.post("acme", again, None).status_code == 202
    post.round()
    assert [json.loads(each.body)["data"]["n"] for each in hooks.received[-2:]] == [1, 2]
    assert post.deliveries(hook, "?status=dead") == []
    assert [post.house.post(who, again, None).status_code for who in ("bolt", "acme/member")] == [404, 403]
    assert post.house.post("acme", again.replace("/1/", "/9/"), None).status_code == 404


def test_whoever_was_deleted_is_told_nothing_more(post: Post, hooks: Receiver) -> None:
    """Neither what waited for a second try, nor what happened before and was not looked at yet."""
    post.hook("/a")
    post.hook("/b", "bolt")
    hooks.answers["/a"] = status_of(500)
    post.tell(n=1)
    post.round()
    post.tell(n=2)
    gone = post.house.post("operator", "/v1/operator/tenants/acme/delete", {"reason": "has asked for it"})
    assert gone.status_code == 200, gone.text
    post.tell("bolt", n=3)
    del hooks.answers["/a"]
    post.round(RETRY_AFTER_S[0])
    post.round(RETRY_AFTER_S[0])
    assert [(each.path, json.loads(each.body)["data"]["n"]) for each in hooks.received] == [("/a", 1), ("/b", 3)]


def test_a_receiver_that_died_gets_it_later(post: Post, hooks: Receiver) -> None:
    hook = post.hook("/a")
    post.tell(n=1)
    with receiver() as gone:
        port = gone.port
    kept, hooks.port = hooks.port, port
    post.round()
    assert post.deliveries(hook)[0]["last_error"] == "no answer: ConnectionRefusedError"
    hooks.port = kept
    post.round(RETRY_AFTER_S[0])
    assert hooks.paths() == ["/a"]


def test_a_service_that_died_before_it_noted_tells_again(
    post: Post, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = post.hook("/a")
    post.tell(n=1)
    with monkeypatch.context() as dies:
        dies.setattr("billing.webhooks.dispatch.note_outcome", lambda *_: (_ for _ in ()).throw(OSError))
        post.round()
    assert post.deliveries(hook)[0]["status"] == "pending"
    post.round()
    assert len(hooks.received) == 2 and len({each.headers["webhook-id"] for each in hooks.received}) == 1
    assert post.deliveries(hook)[0]["status"] == "delivered"


def test_nobody_waits_for_a_slow_receiver(post: Post, hooks: Receiver) -> None:
    quick = post.hook("/quick", "bolt")
    for n in range(3):
        post.hook(f"/slow{n}")
        hooks.answers[f"/slow{n}"] = lambda _: (hooks.release.wait(20), (204, {}, b""))[1]
    post.tell()
    post.tell("bolt")
    post.dispatcher.round()
    until = time.monotonic() + 10
    while not post.deliveries(quick, "?status=delivered", "bolt") and time.monotonic() < until:
        time.sleep(0.01)
    assert post.deliveries(quick, who="bolt")[0]["status"] == "delivered"
    # Of one tenant two at a time: the third has not begun.
    assert len([each for each in hooks.paths() if "slow" in each]) == 2


def test_a_new_secret_signs_beside_the_old_one(post: Post, hooks: Receiver) -> None:
    hook = post.hook("/a")
    new = post.house.post("acme", f"/v1/webhooks/{hook['id']}/rotate-secret", None).json()
    assert new["secret"] != hook["secret"] and new["rotated"] is not None
    post.tell()
    post.round()
    for secret in (hook["secret"], new["secret"]):
        assert verify_webhook(secret, hooks.received[0].headers, hooks.received[0].body, post.house.now_s)
    listed = post.house.get("acme", "/v1/webhooks")
    assert hook["secret"] not in listed.text and "secret" not in listed.json()["items"][0]
    rows = [*post.house.rows("all_webhook"), *post.house.rows("all_idempotency"), *post.house.rows("all_audit_details")]
    assert hook["secret"] not in str(rows) and new["secret"] not in str(rows)


def test_a_test_goes_to_one_webhook_whatever_it_wants(post: Post, hooks: Receiver) -> None:
    one, _other = post.hook("/one"), post.hook("/other")
    sent = post.house.post("acme", f"/v1/webhooks/{one['id']}/test", None)
    assert sent.status_code == 202 and sent.json()["type"] == "webhook.test"
    post.round()
    assert hooks.paths() == ["/one"] and json.loads(hooks.received[0].body)["type"] == "webhook.test"
    assert post.house.ask("acme", "DELETE", f"/v1/webhooks/{one['id']}").status_code == 200
    for deed in ("test", "rotate-secret", f"deliveries/{sent.json()['position']}/redeliver"):
        assert post.house.post("acme", f"/v1/webhooks/{one['id']}/{deed}", None).status_code == 404
    post.tell()
    post.round()
    assert hooks.paths() == ["/one", "/other"]


# -- one attempt -----------------------------------------------------------------------------------------------------


def attempt(hooks: Receiver, path: str = "/a", way: Way | None = None) -> Sent:
    return send(hooks.url(path), {"webhook-id": "msg_1"}, b"{}", way or hooks.way())


@pytest.mark.parametrize(("status", "error"), [(200, ""), (299, ""), (300, "answered 300"), (404, "answered 404")])
def test_only_success_is_success(hooks: Receiver, status: int, error: str) -> None:
    hooks.answers["/a"] = status_of(status)
    assert attempt(hooks) == Sent(status, error)


def test_a_redirect_is_followed_with_the_same_message(hooks: Receiver) -> None:
    hooks.answers["/a"] = status_of(307, Location="/b?x=1")
    assert attempt(hooks) == Sent(204, "")
    assert hooks.paths() == ["/a", "/b?x=1"] and hooks.received[1].headers["webhook-id"] == "msg_1"
    hooks.answers["/a"] = status_of(302, Location="/b")
    assert attempt(hooks) == Sent(302, "answered 302")
    hooks.answers["/a"] = status_of(308)
    assert attempt(hooks) == Sent(308, "answered 308")


@pytest.mark.parametrize(
    "location",
    [
        "https://169.254.169.254/latest/meta-data",
        "http://169.254.169.254/",
        "https://127.0.0.1:8443/",
        "https://[::1]/",
        "https://inside.example.com/",
        "file:///etc/passwd",
        "//10.0.0.7/",
        "https://user@hooks.example.com/",
    ],
)
def test_a_redirect_inside_is_not_followed(hooks: Receiver, location: str) -> None:
    hooks.answers["/a"] = status_of(307, Location=location)
    sent = attempt(hooks)
    assert sent.code is None and sent.error.startswith("target refused: ") and hooks.paths() == ["/a"]
    assert "169.254" not in sent.error and "example" not in sent.error


@pytest.mark.parametrize("location", ["https://[", "//[x", "https://[::1]]/"])
def test_a_redirect_to_what_is_no_address_is_a_failure_as_any_other(hooks: Receiver, location: str) -> None:
    """Else it would never be noted, and tried again each second for ever."""

    def resolve(_url: str, locations: Sequence[str]) -> Sequence[str]:
        return require_redirects("https://8.8.8.8/", locations, lambda _host: ()) if locations else ["127.0.0.1"]

    hooks.answers["/a"] = status_of(307, Location=location)
    sent = attempt(hooks, way=hooks.way()._replace(addresses=resolve))
    assert sent.code is None and sent.error.startswith("target refused: ")


def test_a_resolver_that_fails_is_a_failure_as_any_other(hooks: Receiver) -> None:
    def resolve(_url: str, _locations: Sequence[str]) -> Sequence[str]:
        raise OSError("no files left")

    assert attempt(hooks, way=hooks.way()._replace(addresses=resolve)) == Sent(None, "no address: OSError")


def test_redirects_in_a_circle_end(hooks: Receiver) -> None:
    hooks.answers["/a"] = status_of(307, Location="/a")
    assert attempt(hooks) == Sent(None, "target refused: too many redirects")
    assert len(hooks.received) == 4


def test_a_name_that_means_something_else_by_now_is_not_asked_again(hooks: Receiver) -> None:
    """The connection goes to the address that was checked, whatever the name says a moment later."""
    asked = []

    def resolve(url: str, _locations: object) -> list[str]:
        asked.append(url)
        return ["127.0.0.1"]

    url = f"http://rebind.invalid:{hooks.port}/a"
    assert send(url, {}, b"{}", hooks.way()._replace(addresses=resolve)) == Sent(204, "")
    assert asked == [url] and hooks.received[0].headers["host"] == f"rebind.invalid:{hooks.port}"


def test_an_answer_that_dribbles_is_cut_off_and_one_without_end_is_not_read(hooks: Receiver) -> None:
    hooks.answers["/slow"] = lambda _: (hooks.release.wait(20), (204, {}, b""))[1]
    assert attempt(hooks, "/slow", hooks.way(1)) == Sent(None, "took longer than 1 s")
    hooks.answers["/long"] = lambda _: (200, {}, b"x" * 50_000_000)
    assert attempt(hooks, "/long", hooks.way(20)) == Sent(200, "")


def test_a_receiver_that_speaks_no_tls_is_not_spoken_to(hooks: Receiver) -> None:
    public = public_way(lambda _host: ())
    way = hooks.way()._replace(wrap=public.wrap)
    sent = attempt(hooks, way=way)
    assert sent.code is None and sent.error == "no answer: SSLError" and hooks.received == []
