"""The slow, obvious conservative backfill: nodes are a number, the profile is a question asked of a list.

Straight from the definition: every job is promised its earliest hole when it is submitted; whenever a job ends, what it
leaves unused is given back and every job that waits, in order of submission, is put where it starts earliest, if that
is earlier than where it stands. A running job that has outlived its estimate counts as ending a second from now; where
a promise is or has been broken, all are made anew, in order. Ends of a second come before its submissions. It shares no
code with the fast one.

Part of a node lies on a shared node: a number, and the list of the jobs that lie there. It takes a node while any of
them does. A job goes to the shared node where it starts earliest; among equals to that whose time grows least by it,
then to that which has fewest GPUs free when it starts, then to the oldest. A new one is what no old one is better than.
"""

import itertools


class SlowConservative:
    """`rows` are (submit_s, nodes, run_s, estimate_s) or with GPUs of one node more, in order of submission."""

    def __init__(self, rows, nodes, late_s=0, per_node=1):
        self.rows, self.nodes, self.per_node = rows, nodes, per_node
        self.part = [row[4] if len(row) > 4 else 0 for row in rows]
        self.late_s = late_s  # seconds added to each hole that is not now: for a canary
        self.running = {}  # job -> (start, end by estimate, as it is counted)
        self.planned = {}  # job -> promised start
        self.promises = {}  # job -> the first promise that it was given
        self.started = {}
        self.lies_on = {}  # job that needs part of a node -> number of its shared node
        self.last_number = 0

    def length_s(self, job):
        return max(1, self.rows[job][3])

    def held(self, at_s, without):
        """Jobs that hold or are to hold nodes at a second."""
        found = [job for job, (_, end_s) in self.running.items() if at_s < end_s]
        return found + [
            job
            for job, start_s in self.planned.items()
            if job != without and start_s <= at_s < start_s + self.length_s(job)
        ]

    def used_on(self, number, at_s, without):
        return sum(self.part[job] for job in self.held(at_s, without) if self.lies_on.get(job) == number)

    def used(self, at_s, without):
        held = self.held(at_s, without)
        return sum(self.rows[job][1] for job in held) + len({self.lies_on[job] for job in held if self.part[job]})

    def overfull(self, at_s):
        numbers = set(self.lies_on.values())
        return self.used(at_s, None) > self.nodes or any(
            self.used_on(number, at_s, None) > self.per_node for number in numbers
        )

    def edges(self, now_s, without):
        ends = {end_s for _, end_s in self.running.values()}
        for job, start_s in self.planned.items():
            if job != without:
                ends |= {start_s, start_s + self.length_s(job)}
        return sorted({now_s} | {at_s for at_s in ends if at_s > now_s})

    def fits(self, job, number, at_s):
        nodes = self.rows[job][1]
        if self.part[job]:
            mine = self.used_on(number, at_s, job)
            nodes += not mine
            if mine + self.part[job] > self.per_node:
                return False
        return self.used(at_s, job) + nodes <= self.nodes

    def earliest_on(self, job, number, now_s):
        edges = self.edges(now_s, job)
        for at_s in edges:
            inside = [at_s] + [edge for edge in edges if at_s < edge < at_s + self.length_s(job)]
            if all(self.fits(job, number, edge) for edge in inside):
                return at_s + (self.late_s if at_s > now_s else 0)
        raise AssertionError("the end of everything has room")

    def growth_s(self, job, number, at_s, now_s):
        until_s = at_s + self.length_s(job)
        edges = [at_s, *(edge for edge in self.edges(now_s, job) if at_s < edge < until_s), until_s]
        return sum(last - first for first, last in itertools.pairwise(edges) if not self.used_on(number, first, job))

    def earliest(self, job, now_s):
        """The earliest start and the shared node (0: none, where no part is needed)."""
        if not self.part[job]:
            return self.earliest_on(job, 0, now_s), 0
        there = [other for other in [*self.running, *self.planned] if other != job and other in self.lies_on]
        found = []
        for number in {self.lies_on[other] for other in there} | {self.last_number + 1}:
            at_s = self.earliest_on(job, number, now_s)
            left = self.per_node - self.used_on(number, at_s, job)
            found.append((at_s, self.growth_s(job, number, at_s, now_s), left, number))
        at_s, _, _, number = min(found)
        return at_s, number

    def put(self, job, at_s, number):
        self.planned[job] = at_s
        if self.part[job]:
            self.lies_on[job] = number
            self.last_number = max(self.last_number, number)

    def put_back(self, now_s):
        for job in sorted(self.planned):
            at_s, number = self.earliest(job, now_s)
            if at_s < self.planned[job]:
                self.put(job, at_s, number)

    def plan_anew(self, now_s):
        jobs = sorted(self.planned)
        self.planned.clear()
        for job in jobs:
            self.lies_on.pop(job, None)
        for job in jobs:
            self.put(job, *self.earliest(job, now_s))

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
            if late or any(self.overfull(at_s) for at_s in self.edges(now_s, None)):
                self.plan_anew(now_s)
            elif ended:
                self.put_back(now_s)
            for job, row in enumerate(self.rows):
                fits_ever = row[1] + (self.part[job] > 0) <= self.nodes
                if row[0] == now_s and fits_ever and job not in self.started:
                    self.put(job, *self.earliest(job, now_s))
                    self.promises[job] = self.planned[job]
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
