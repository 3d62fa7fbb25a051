"""The slow, obvious conservative backfill: nodes are a number, the profile is a question asked of a list.

Straight from the definition: every job is promised its earliest hole when it is submitted; whenever a job ends, what it
leaves unused is given back and every job that waits, in order of submission, is lifted out and put back at its earliest
hole. A running job that has outlived its estimate counts as ending a second from now; where a promise is or has
been broken, all are made anew, in order. Ends of a second come before its submissions. It shares no code with the
fast one.
"""


class SlowConservative:
    """`rows` are (submit_s, nodes, run_s, estimate_s) in order of submission; `starts()` runs them all."""

    def __init__(self, rows, nodes, late_s=0):
        self.rows, self.nodes = rows, nodes
        self.late_s = late_s  # seconds added to each hole that is not now: for a canary
        self.running = {}  # job -> (start, end by estimate, as it is counted)
        self.planned = {}  # job -> promised start
        self.promises = {}  # job -> the first promise that it was given
        self.started = {}

    def length_s(self, job):
        return max(1, self.rows[job][3])

    def used(self, at_s, without):
        held = [(self.rows[job][1], 0, end_s) for job, (_, end_s) in self.running.items()]
        held += [
            (self.rows[job][1], start_s, start_s + self.length_s(job))
            for job, start_s in self.planned.items()
            if job != without
        ]
        return sum(size for size, from_s, until_s in held if from_s <= at_s < until_s)

    def edges(self, now_s, without):
        ends = {end_s for _, end_s in self.running.values()}
        for job, start_s in self.planned.items():
            if job != without:
                ends |= {start_s, start_s + self.length_s(job)}
        return sorted({now_s} | {at_s for at_s in ends if at_s > now_s})

    def earliest(self, job, now_s):
        edges = self.edges(now_s, job)
        for at_s in edges:
            inside = [at_s] + [edge for edge in edges if at_s < edge < at_s + self.length_s(job)]
            if all(self.used(edge, job) + self.rows[job][1] <= self.nodes for edge in inside):
                return at_s + (self.late_s if at_s > now_s else 0)
        raise AssertionError("the end of everything has room")

    def put_back(self, now_s):
        for job in sorted(self.planned):
            self.planned[job] = self.earliest(job, now_s)

    def plan_anew(self, now_s):
        jobs = sorted(self.planned)
        self.planned.clear()
        for job in jobs:
            self.planned[job] = self.earliest(job, now_s)

    def starts(self):
        finish = {}  # job -> true end
        times = {row[0] for row in self.rows}
        while times:
            now_s = min(times)
            times.discard(now_s)
            ended = [job for job, end_s in finish.items() if end_s == now_s]
            for job in ended:
                del finish[job], self.running[job]
            for job, (start_s, end_s) in self.running.items():
                if end_s <= now_s:
                    self.running[job] = (start_s, now_s + 1)
            late = any(start_s < now_s for start_s in self.planned.values())
            if late or any(self.used(at_s, None) > self.nodes for at_s in self.edges(now_s, None)):
                self.plan_anew(now_s)
            elif ended:
                self.put_back(now_s)
            for job, row in enumerate(self.rows):
                if row[0] == now_s and row[1] <= self.nodes and job not in self.started:
                    self.planned[job] = self.promises[job] = self.earliest(job, now_s)
            while due := [job for job in sorted(self.planned) if self.planned[job] <= now_s]:
                for job in due:
                    del self.planned[job]
                    self.started[job] = now_s
                    if self.rows[job][2]:
                        self.running[job] = (now_s, now_s + self.length_s(job))
                        finish[job] = now_s + self.rows[job][2]
                        times.add(finish[job])
                if any(not self.rows[job][2] for job in due):  # done as it started: that is an end
                    self.put_back(now_s)
        return [self.started.get(job, -1) for job in range(len(self.rows))]
