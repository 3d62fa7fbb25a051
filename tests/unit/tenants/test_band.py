from tenants.band import LENDABLE, TIER_COUNT, TIER_OF_BAND, Band


def test_a_smaller_number_is_served_first() -> None:
    names = ["INTERNAL_CRITICAL", "RESERVED", "INTERNAL", "ON_DEMAND", "SPOT"]
    assert [band.name for band in sorted(Band)] == names


def test_every_band_has_a_tier_and_tiers_follow_the_bands() -> None:
    assert len(TIER_OF_BAND) == len(Band)
    assert list(TIER_OF_BAND) == sorted(TIER_OF_BAND)
    assert set(TIER_OF_BAND) == set(range(TIER_COUNT))


def test_what_is_lent_can_be_taken_back_by_every_internal_band() -> None:
    for lent in LENDABLE:
        assert TIER_OF_BAND[lent] > TIER_OF_BAND[Band.INTERNAL] > TIER_OF_BAND[Band.INTERNAL_CRITICAL]
