"""Lend the slow way, straight from the definitions: counted probabilities, recounted histories, fractions."""

from fractions import Fraction


def sell(capacity, peaks, revenue, loss):
    """Largest k whose counted chance of being asked back is worth the price: one k after the other."""
    best = 0
    for k in range(capacity + 1):
        asked = sum(1 for peak in peaks if peak > capacity - k)
        if asked * (revenue + loss) <= revenue * len(peaks):
            best = k
    return best


def offer(capacity, peaks_of, prices):
    """{guarantee_s: nodes}: a sale needs room at its own length and at every shorter one."""
    lengths = sorted({row.guarantee_s for row in prices})
    room = {}
    for length in lengths:
        rows = [row for row in prices if row.guarantee_s <= length]
        room[length] = min(
            sell(capacity, peaks_of[row.horizon_s], row.revenue_micro_usd, row.loss_micro_usd) for row in rows
        )
    return room


def spans(horizon_s, slot_s):
    count = 0
    while count * slot_s < horizon_s:
        count += 1
    return max(1, count)


def slots(ticks, slot_s):
    """[(first, highest)] of each slot up to the last tick; a slot without one repeats the first of the one before."""
    found = []
    for number in range(ticks[-1][0] // slot_s + 1):
        seen = [level for at_s, level in ticks if at_s // slot_s == number]
        found.append((seen[0], max(seen)) if seen else (found[-1][0], found[-1][0]))
    return found


def alike(now, span, slot_s):
    """Past slots like `now`: up to 8 same hours of the week, then 28 same hours of the day, then any; newest first."""
    usable = [slot for slot in range(now - 1, -1, -1) if slot + span <= now]
    chosen = []
    for season, most in ((604_800 // slot_s, 8), (86_400 // slot_s, 28), (1, 64)):
        fresh = [slot for slot in usable if (now - slot) % season == 0 and slot not in chosen]
        chosen += fresh[:most]
    return chosen[:64]


def peaks(ticks, horizon_s, announced, size, slot_s):
    """64 samples of the peak, ascending. `ticks`: (at_s, demand); `announced`: (submit_s, nodes) still to come."""
    now_s, level = ticks[-1]
    past = slots(ticks, slot_s)
    span = spans(horizon_s, slot_s)
    soon = sum(nodes for submit_s, nodes in announced if now_s < submit_s <= now_s + horizon_s)
    samples = []
    for slot in alike(now_s // slot_s, span, slot_s):
        rise = max(past[slot + step][1] for step in range(span)) - past[slot][0]
        samples.append(min(size, level + rise + soon))
    return sorted(samples + [size] * (64 - len(samples)))


def need(ticks, tenants, now_gpus, soon_gpus, ahead, z_bp, size_gpus, slot_s):
    """R of the tenant rule, in GPUs. `tenants`: {slot: [GPUs of each tenant at its first tick]}; None: unknown yet."""
    now = ticks[-1][0] // slot_s
    past = alike(now, ahead, slot_s)
    if len(past) < 24:
        return None
    mean, variance = now_gpus + soon_gpus, 0
    for tenant in range(len(tenants[now])):
        changes = [tenants[slot + ahead][tenant] - tenants[slot][tenant] for slot in past]
        average = Fraction(sum(changes), len(changes))
        mean += average.__floor__()
        variance += (Fraction(sum(each * each for each in changes), len(changes)) - average * average).__floor__()
    spread = 0
    while Fraction(spread + 1) ** 2 <= Fraction(z_bp, 10_000) ** 2 * variance:
        spread += 1
    return min(max(mean + spread, 0), size_gpus)


def feedback(eta, evicted, ended, queued_long, target):
    """The factor after one look, as fractions: the product rounds it down to basis points."""
    rate = Fraction(evicted, ended) if ended else Fraction(0)
    if rate >= Fraction(3, 2) * target:
        eta *= target / rate
    elif rate <= target / 2 and queued_long:
        eta *= Fraction(3, 2) - rate / target
    eta = min(max(eta, Fraction(1, 4)), Fraction(5, 4))
    return Fraction((eta * 10_000).__floor__(), 10_000)
