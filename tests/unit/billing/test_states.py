from billing.metering.meter import UsageTable
from billing.metering.states import all_states
from billing.usage import STATES, CapacityTable
from billing_facts import FULL, NAMES, table


def test_held_and_free_seconds_stand_in_one_table() -> None:
    usage = table(UsageTable, [(0, 0, 0, 0, 2, *FULL, 10), (1, 0, 0, 0, 2, *FULL, 5), (1, 3600, 0, 0, 2, *FULL, 1)])
    free = table(CapacityTable, [(0, 0, 0, 1, 7), (0, 0, 0, 1, 2), (0, 1, 0, 0, 4), (0, 0, 0, 3, 0)])
    states = all_states(NAMES, usage, free)
    rows = [
        (hour_s, NAMES.regions[region], states.state_names[state], gpu_s)
        for hour_s, region, state, gpu_s in zip(
            states.hour_s.tolist(), states.region.tolist(), states.state.tolist(), states.gpu_s.tolist(), strict=True
        )
    ]
    assert rows == [
        (0, "eu", "scrubbing", 9),
        (0, "eu", "held.bare.spot", 15),
        (0, "us", "down", 4),
        (3600, "eu", "held.bare.spot", 1),
    ]


def test_every_product_has_a_state_after_the_free_ones() -> None:
    states = all_states(NAMES, table(UsageTable, []), table(CapacityTable, []))
    assert states.state_names == (*STATES, *(f"held.{product}" for product in NAMES.products))
    assert len(states) == 0
