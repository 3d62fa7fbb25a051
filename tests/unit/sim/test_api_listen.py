"""`spillway api listen`: it tells of what was signed, and refuses the rest."""

import threading
from typing import Any

from billing.webhooks import signing
from billing.webhooks.sending import send, trial_way
from sim.cli.api_listen import receiver

NOW_S = 1_800_000_000


def test_the_receiver_tells_of_what_was_signed_and_refuses_the_rest() -> None:
    secret, told = signing.secret_of(b"m" * 32, "acme", "whk_1", 1), list[Any]()
    body = b'{"type":"invoice.issued","position":7,"object":"acme-000001","data":{}}'
    headers = signing.signed([secret], "msg_7", NOW_S, body)
    with receiver(
        secret, 0, lambda: NOW_S, lambda found, words: told.append((found["refused"] is None, words))
    ) as here:
        thread = threading.Thread(target=here.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url, way = "https://hooks.example.com/", trial_way(here.server_port)
        try:
            codes = [send(url, headers, each, way).code for each in (body, body, body + b" ")]
        finally:
            here.shutdown()
            thread.join()
    assert codes == [204, 204, 400]
    seventh = "7 invoice.issued acme-000001"
    assert told[:2] == [(True, seventh), (True, f"{seventh} (again)")] and not told[2][0]
