"""One job, second by second: it starts up, works, stops to write a checkpoint, works on. No formula, only a counter."""


def split(elapsed_s, startup_s, ending, checkpoint_s=0, write_s=0):
    """What became of each second of a segment: `ending` is finished, horizon, warned or fault.

    A job that was warned spends its last `write_s` seconds on a checkpoint, and keeps all that it did before.
    """
    seconds = {"stalled": 0, "worked": 0, "written": 0}
    safe, since, writing = 0, 0, 0  # work that is safe, work since the last checkpoint, seconds of the write under way
    for second in range(elapsed_s):
        if second < startup_s:
            seconds["stalled"] += 1
        elif writing or (ending == "warned" and write_s and second >= elapsed_s - write_s):
            seconds["written"] += 1
            writing = max(0, writing - 1)
            if not writing:
                safe, since = safe + since, 0
        else:
            seconds["worked"] += 1
            since += 1
            if checkpoint_s and since == checkpoint_s:
                if write_s:
                    writing = write_s
                else:
                    safe, since = safe + since, 0
    kept = seconds["worked"] if ending != "fault" else safe
    return {**seconds, "kept": kept, "lost": seconds["worked"] - kept}


def time_for(work_s, checkpoint_s=0, write_s=0):
    """Seconds until so much work is done, writes included."""
    at_s, done, writing = 0, 0, 0
    while done < work_s:
        at_s += 1
        if writing:
            writing -= 1
            continue
        done += 1
        if checkpoint_s and done % checkpoint_s == 0:
            writing = write_s
    return at_s
