import pickle

import pytest

from billing.errors import BillingError, MoneyError, PeriodError, PriceError, UsageError


def test_an_error_is_one_line_with_file_path_message_found_and_allowed() -> None:
    error = PriceError("negative\namount", file="small.toml", path="price[3].usd_per_gpu_hour", found="-1", allowed="0")
    assert str(error) == "small.toml: price[3].usd_per_gpu_hour: negative amount (found '-1'; allowed 0)"


def test_what_is_not_known_is_left_out() -> None:
    assert str(BillingError("no price")) == "no price"
    assert str(BillingError("no price", found=0)) == "no price (found 0)"


def test_a_long_value_is_cut() -> None:
    assert len(str(MoneyError("not an amount", found="9" * 5000))) < 120


@pytest.mark.parametrize("kind", [MoneyError, PeriodError, PriceError, UsageError])
def test_every_error_is_a_billing_error_and_survives_a_trip_to_another_process(kind: type[BillingError]) -> None:
    error = kind("wrong", code="duplicate", path="price[0]", found=1)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, BillingError)
    assert (str(again), again.code) == (str(error), "duplicate")
