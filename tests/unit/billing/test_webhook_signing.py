"""A delivery is known by its signature, and fails by schedule."""

import base64
import hmac
import runpy
import sys
import threading
from http.client import HTTPConnection
from http.server import HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.client import SignatureError, verify_webhook
from billing.webhooks import schedule, signing
from billing.webhooks.schedule import RETRY_AFTER_S, Sent, after
from house_rules import ROOT

NOW_S = 1_800_000_000
MASTER = b"m" * 32
SECRET = signing.secret_of(MASTER, "acme", "whk_1", 1)


def test_a_signature_is_that_of_the_standard() -> None:
    """The example of the Standard Webhooks specification."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    sent = signing.signed([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert sent[signing.SIGNATURE] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(), st.integers(0, 2**40))
def test_what_is_signed_is_verified_and_nothing_else(body: bytes, now_s: int) -> None:
    sent = signing.signed([SECRET], "msg_1", now_s, body)
    assert verify_webhook(SECRET, {name.title(): value for name, value in sent.items()}, body, now_s) == "msg_1"
    other = signing.secret_of(MASTER, "acme", "whk_1", 2)
    for secret, headers, told, at_s in (
        (SECRET, sent, body + b" ", now_s),
        (SECRET, sent | {signing.ID: "msg_2"}, body, now_s),
        (SECRET, sent | {signing.TIME: str(now_s + 1)}, body, now_s),
        (SECRET, sent, body, now_s + signing.TOLERANCE_S + 1),
        (SECRET, sent, body, now_s - signing.TOLERANCE_S - 1),
        (SECRET, {name: value for name, value in sent.items() if name != signing.SIGNATURE}, body, now_s),
        (SECRET, sent | {signing.TIME: "soon"}, body, now_s),
        (other, sent, body, now_s),
    ):
        with pytest.raises(SignatureError) as refused:
            verify_webhook(secret, headers, told, at_s)
        assert SECRET not in str(refused.value) and sent[signing.SIGNATURE] not in str(refused.value)


def test_for_a_day_the_old_secret_signs_too() -> None:
    second = signing.secret_of(MASTER, "acme", "whk_1", 2)
    for now_s, held in ((NOW_S, [second, SECRET]), (NOW_S + signing.OVERLAP_S, [second])):
        secrets = signing.secrets_at(MASTER, "acme", "whk_1", 2, NOW_S, now_s)
        assert secrets == held
        sent = signing.signed(secrets, "msg_1", now_s, b"{}")
        assert all(verify_webhook(secret, sent, b"{}", now_s) for secret in held)


def test_each_webhook_has_a_secret_of_its_own() -> None:
    made = {
        signing.secret_of(master, tenant, hook, 1) for master in (MASTER, b"n" * 32) for tenant in "ab" for hook in "cd"
    }
    assert len(made) == 8
    assert base64.b64decode(SECRET.removeprefix("whsec_")) != hmac.digest(MASTER, b"", "sha256")


def test_what_fails_is_tried_again_later_and_later_and_then_no_more() -> None:
    tried, now_s, failed = 0, NOW_S, Sent(503, "answered 503")
    for wait_s in RETRY_AFTER_S:
        outcome = after(tried, failed, now_s)
        assert (outcome.status, outcome.next_s) == (schedule.PENDING, now_s + wait_s)
        tried, now_s = outcome.attempts, outcome.next_s
    assert list(RETRY_AFTER_S) == sorted(RETRY_AFTER_S)
    assert after(tried, failed, now_s).status == schedule.DEAD
    assert after(0, Sent(410, "answered 410"), now_s).status == schedule.DEAD
    assert after(3, Sent(204, ""), now_s) == (schedule.DELIVERED, 4, now_s, Sent(204, ""))


def test_the_example_receives_once_what_comes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "webhook.secret"
    kept.write_text(f"{SECRET}\n")
    monkeypatch.setattr(sys, "argv", ["example_receiver.py", str(kept)])
    example = runpy.run_path(str(ROOT / "docs/example_receiver.py"))
    body = b'{"type":"invoice.issued","position":7,"object":"acme-000001","data":{}}'
    sent = signing.signed([SECRET], "msg_7", int(example["time"].time()), body)
    with HTTPServer(("127.0.0.1", 0), example["Receiver"]) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            for told, status in ((body, 204), (body, 204), (body + b" ", 400)):
                line = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
                line.request("POST", "/", told, sent)
                assert line.getresponse().status == status
                line.close()
        finally:
            server.shutdown()
            thread.join()
    said = capsys.readouterr()
    assert said.out == "7 invoice.issued acme-000001\n" and "refused: signed by somebody else" in said.err
