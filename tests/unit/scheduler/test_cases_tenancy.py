"""Published cases of quotas, cohorts and shares: V14, V14b, V22; and of cells: V6."""

from fractions import Fraction

from case_file import case
from scheduler.events import Reason
from scheduler.quotas.quota import Quotas, Share, add, borrowed, headroom, may_take, within_nominal
from scheduler.quotas.reclaim import plan_reclaim
from scheduler.quotas.rows import NO_LIMIT, CohortRow, GuaranteeRow, QuotaRow, Tenancy
from scheduler.tables import PoolRow
from scheduler.why.reasons import why
from small_worlds import flat_drive
from tenancy_worlds import RESEARCH, hand_world, held_gpus


def test_v14_nested_cohorts_share_the_pool_by_weight_through_the_core() -> None:
    """V14: 300 GPUs, everybody wants all of them."""
    facts = case("V14")
    gpus, tree = facts["inputs"]["pool_gpu"], facts["inputs"]["tree"]
    cohorts, leaves = [CohortRow(-1, 1)], {}
    for name, part in tree.items():
        cohorts.append(CohortRow(0, part["weight"]))
        for child, weight in part["children"].items():
            leaves[child] = QuotaRow(len(leaves), len(cohorts) - 1, 0, 0, NO_LIMIT, NO_LIMIT, weight)
        assert name.startswith("C")
    quotas = (QuotaRow(-1, 0, 0, gpus, NO_LIMIT, NO_LIMIT, 1), *leaves.values())
    # All jobs of one tenant after the other: first come, first served would give everything to the first one.
    jobs = [(0, row.tenant, 1, 1000) for row in leaves.values() for _ in range(gpus)]
    world = hand_world(PoolRow(gpus, 1, 0), jobs, Tenancy(tuple(cohorts), quotas))
    core = world.core()
    flat_drive(core, world, 500)
    held = held_gpus(core)
    wanted = facts["expected"]["gpu"]
    slack = facts["tolerance"]["abs_jobs"]
    assert {name: held[row.tenant] for name, row in leaves.items()} == wanted
    assert slack == 1  # and we are exact


def test_v14_shares_are_kept_as_jobs_come_and_go() -> None:
    """V14 again with jobs of 10 to 100 s: after a while everybody still has his share, within one job."""
    facts = case("V14")
    gpus = facts["inputs"]["pool_gpu"]
    rows = ((0, 1, 1), (1, 1, 1), (2, 1, 3), (3, 2, 1))  # tenant, cohort, weight
    quotas = tuple(QuotaRow(tenant, cohort, 0, 0, NO_LIMIT, NO_LIMIT, weight) for tenant, cohort, weight in rows)
    tenancy = Tenancy(
        (CohortRow(-1, 1), CohortRow(0, 1), CohortRow(0, 1)), (QuotaRow(-1, 0, 0, gpus, NO_LIMIT, NO_LIMIT, 1), *quotas)
    )
    jobs = [(0, tenant, 1, 10 + 10 * (row % 10)) for tenant, _, _ in rows for row in range(4 * gpus)]
    world = hand_world(PoolRow(gpus, 1, 0), jobs, tenancy)
    core = world.core()
    seen = []
    flat_drive(core, world, 150, each_step=lambda now_s: seen.append(held_gpus(core)))
    wanted = dict(enumerate(facts["expected"]["gpu"].values()))
    assert len(seen) > 10
    assert all(abs(held[tenant] - gpu) <= 1 for held in seen for tenant, gpu in wanted.items())


def test_v14b_the_rules_by_which_borrowers_may_take_from_each_other() -> None:
    """V14b: rule (a), rule (b), and neither."""
    facts = case("V14b")
    total, weight = facts["inputs"]["cohort_nominal_gpu"], facts["inputs"]["weight"]
    for number, row in enumerate(facts["inputs"]["rows"]):
        rest = total - row["x_nominal"] - row["y_nominal"]
        quotas = Quotas(
            Tenancy(
                (CohortRow(-1, 1),),
                (
                    QuotaRow(0, 0, 0, row["x_nominal"], NO_LIMIT, NO_LIMIT, weight),
                    QuotaRow(1, 0, 0, row["y_nominal"], NO_LIMIT, NO_LIMIT, weight),
                    QuotaRow(-1, 0, 0, rest, NO_LIMIT, NO_LIMIT, 1),
                ),
            ),
            1,
        )
        pool = quotas.pools[0]
        x, y = quotas.leaf[0], quotas.leaf[1]
        add(pool, pool.used, x, row["x_used"])
        add(pool, pool.used, y, row["y_used"])
        shares = [quotas.share(x, 0, row["w"]), quotas.share(y), quotas.share(y, 0, -row["z"])]
        names = ("share_x_with_w", "share_y", "share_y_without_z")
        wanted = [Fraction(str(facts["expected"][name][number])) for name in names]
        assert [Fraction(*share) for share in shares] == wanted
        assert (may_take(shares[0], shares[1], shares[2]) or "none") == facts["expected"]["allowed_by"][number]
    assert may_take(Share(1, 0), Share(1, 0), Share(1, 0)) == "a"


def v22_tenancy() -> tuple[Tenancy, dict[str, int]]:
    rows = case("V22")["inputs"]["cohort"]
    quotas = tuple(
        QuotaRow(
            tenant,
            0,
            0,
            row["nominal"],
            NO_LIMIT if row["borrowing_limit"] is None else row["borrowing_limit"],
            NO_LIMIT if row["lending_limit"] is None else row["lending_limit"],
            1,
        )
        for tenant, row in enumerate(rows)
    )
    return Tenancy((CohortRow(-1, 1),), quotas), {row["queue"]: tenant for tenant, row in enumerate(rows)}


def test_v22_borrow_within_limits() -> None:
    """V22 on the table of quotas."""
    facts = case("V22")
    tenancy, tenant = v22_tenancy()
    for number, step in enumerate(facts["inputs"]["steps"]):
        quotas = Quotas(tenancy, 1)
        pool, node = quotas.pools[0], quotas.leaf[tenant[step["queue"]]]
        for queue, gpus in step["used"].items():
            add(pool, pool.used, quotas.leaf[tenant[queue]], gpus)
        fits = headroom(pool, pool.used, node) >= step["request"]
        assert fits == facts["expected"]["fits_now"][number]
        own = within_nominal(pool, pool.used, node, step["request"])
        add(pool, pool.used, node, step["request"])
        if fits:
            assert borrowed(pool, pool.used, node) == facts["expected"]["borrowed_after"][number]
        assert own == (number == 3)


def test_v22_reclaim_takes_back_what_is_missing_through_the_core() -> None:
    """V22, step 4: X holds 15 jobs of 1 GPU, Y 12; Y asks for 5 and takes 2 from X."""
    facts = case("V22")
    tenancy, tenant = v22_tenancy()
    step = facts["inputs"]["steps"][3]
    jobs = [(0, tenant[queue], 1, 10_000) for queue, gpus in step["used"].items() for _ in range(gpus)]
    jobs.append((10, tenant[step["queue"]], step["request"], 1000))
    product = RESEARCH._replace(notice_s=60)
    world = hand_world(PoolRow(10, 8, 0), jobs, tenancy, (product,))
    core = world.core()
    log = flat_drive(core, world, 2000)
    victims = [gone.job for gone in log.evicted]
    assert len(victims) == facts["expected"]["reclaim_from_X_gpu"][3]
    assert victims == [13, 14]  # of those granted last, the last two
    assert {gone.evicted_s for gone in log.evicted} == {70}
    # Granted at once; nodes were free all the time, its quota was not until the two had left.
    assert (core.jobs.first_granted_s[27], core.jobs.first_start_s[27]) == (10, 70)
    assert core.jobs.start_s[13] == 1070  # when Y had given back what was its own


def test_v22_a_request_above_the_borrowing_limit_waits_and_says_why() -> None:
    """V22, step 2, beside step 1."""
    tenancy, tenant = v22_tenancy()
    jobs = [(0, tenant["X"], 16, 100), (0, tenant["X"], 12, 100)]
    world = hand_world(PoolRow(4, 8, 0), jobs, tenancy)
    core = world.core()
    flat_drive(core, world, 50)
    assert core.jobs.start_s[1] == 0
    told = why(core, 0)
    assert (told.reason, told.need, told.have) == (Reason.QUOTA, 16, 3)
    assert plan_reclaim(core, core.pools[0], core.pools[0].gate, 1, 0) is None


def test_v14_a_latecomer_gets_its_fair_share_where_borrowers_may_take_from_each_other() -> None:
    """V14 with 2A an hour late: without `fair_reclaim` it waits for ends, with it the pool is shared as it should."""
    gpus = case("V14")["inputs"]["pool_gpu"]
    leaves = {0: (1, 1), 1: (1, 1), 2: (1, 3), 3: (2, 1)}  # tenant: cohort, weight
    quotas = tuple(QuotaRow(tenant, cohort, 0, 0, NO_LIMIT, NO_LIMIT, w) for tenant, (cohort, w) in leaves.items())
    cohorts = (CohortRow(-1, 1), CohortRow(0, 1), CohortRow(0, 1))
    tenancy = Tenancy(cohorts, (QuotaRow(-1, 0, 0, gpus, NO_LIMIT, NO_LIMIT, 1), *quotas))
    jobs = [(100 * (tenant == 3), tenant, 1, 5000) for tenant in leaves for _ in range(gpus)]
    held = {}
    for fair in (False, True):
        world = hand_world(PoolRow(gpus, 1, 0), jobs, tenancy._replace(fair_reclaim=fair))
        core = world.core()
        flat_drive(core, world, 1000)
        held[fair] = [held_gpus(core).get(tenant, 0) for tenant in leaves]
    assert held == {False: [60, 60, 180, 0], True: list(case("V14")["expected"]["gpu"].values())}


def v6_core(tenancy: Tenancy, policy: str):
    """Play the steps of V6: B's eight jobs of one GPU, then A's three of eight on one node each."""
    facts = case("V6")["inputs"]
    a, b = 0, 1
    jobs = [(0, b, 1, 1000) for _ in range(8)] + [(10, a, 8, 1000) for _ in range(3)]
    world = hand_world(PoolRow(facts["nodes"], facts["gpus_per_node"], 0), jobs, tenancy)
    core = world.core(policy)
    log = flat_drive(core, world, 500)
    used_by_b = 0
    for part in log.segments:
        if core.jobs.tenant[part.job] == b:
            used_by_b |= part.nodes
    at_once = sum(start.start_s == 10 for start in log.started if core.jobs.tenant[start.job] == a)
    return {"nodes_used_by_B": used_by_b.bit_count(), "A_started_at_once": at_once}, log


def test_v6_guarantees_in_cells_keep_what_was_promised_through_the_core() -> None:
    """V6 with buddy cells: three nodes for A, eight cells of one GPU for B."""
    facts = case("V6")
    cells = facts["inputs"]["tenants"]
    node_level = 3
    tenancy = Tenancy(
        guarantees=(
            GuaranteeRow(0, 0, node_level, cells["A"]["node_cells"]),
            GuaranteeRow(1, 0, 0, cells["B"]["gpu_cells"]),
        )
    )
    for policy in ("easy", "easy_spread"):  # cells decide, not taste
        found, log = v6_core(tenancy, policy)
        assert found == facts["expected"]["buddy_cells"]
        assert not log.evicted


def test_v6_quotas_counted_in_gpus_do_not_through_the_core() -> None:
    """V6 with a quota of as many GPUs, and placement that spreads the load."""
    facts = case("V6")
    quotas = (QuotaRow(0, -1, 0, 24, NO_LIMIT, NO_LIMIT, 1), QuotaRow(1, -1, 0, 8, NO_LIMIT, NO_LIMIT, 1))
    found, _ = v6_core(Tenancy(quotas=quotas), "easy_spread")
    assert found == facts["expected"]["gpu_quota_and_spread"]
