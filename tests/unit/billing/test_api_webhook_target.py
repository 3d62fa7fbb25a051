"""Webhooks go to the public internet over https, whatever an address is dressed up as."""

import pytest

from billing.webhooks.target import TargetError, is_public, require_redirects, require_target

PUBLIC = {"hooks.example.com": ("93.184.215.14",), "two.example.com": ("93.184.215.14", "2606:2800:21f:cb07::1")}
INSIDE = {"inside.example.com": ("10.0.0.7",), "both.example.com": ("93.184.215.14", "169.254.169.254"), "gone.com": ()}


def resolve(host: str) -> tuple[str, ...]:
    return (PUBLIC | INSIDE).get(host, ())


@pytest.mark.parametrize("url", ["https://hooks.example.com/a?b=c", "https://two.example.com:8443", "HTTPS://8.8.8.8/"])
def test_public_targets_pass(url: str) -> None:
    assert require_target(url, resolve)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "//hooks.example.com/",
        "https://?",
        "https:///x",
        "https://user@hooks.example.com/",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com@169.254.169.254/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/",
        "https://inside.example.com/",
        "https://both.example.com/",
        "https://gone.com/",
        "https://localhost/",
        "https://hooks.example.com\\@inside.example.com/",
        "https://hooks.example.com/ x",
        "https://hooks.example.com/\n",
        "https://h\u043eoks.example.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.100.100.200/",
        "https://192.0.0.192/",
        "https://168.63.129.16/",
        "https://[::ffff:168.63.129.16]/",
        "https://[fec0::1]/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/",
        "https://[::7f00:1]/",
        "https://224.0.0.1/",
        "https://[ff02::1]/",
        "https://0.0.0.0/",
        "https://255.255.255.255/",
        f"https://hooks.example.com/{'a' * 3000}",
    ],
)
def test_other_targets_are_refused_in_words_that_do_not_repeat_them(url: str) -> None:
    with pytest.raises(TargetError) as refused:
        require_target(url, resolve)
    assert url not in str(refused.value)


def test_every_step_of_a_redirect_is_a_target_by_itself() -> None:
    first = "https://hooks.example.com/a"
    assert require_redirects(first, ["/b", "https://two.example.com/"], resolve) == PUBLIC["two.example.com"]
    for location in (
        "https://inside.example.com/",
        "http://hooks.example.com/",
        "//169.254.169.254/",
        "file:///x",
        "https://[x",
    ):
        with pytest.raises(TargetError):
            require_redirects(first, ["/b", location], resolve)
    with pytest.raises(TargetError):
        require_redirects(first, ["/b"] * 4, resolve)


def test_a_name_is_asked_again_at_each_delivery() -> None:
    answers = iter([("93.184.215.14",), ("127.0.0.1",)])
    assert require_target("https://rebind.example.com/", lambda _: next(answers))
    with pytest.raises(TargetError):
        require_target("https://rebind.example.com/", lambda _: next(answers))


def test_what_is_no_address_is_not_public() -> None:
    assert not is_public("hooks.example.com")
