"""Readers of public traces: a file in, job rows and findings out. `sim.traces.readers` is the door."""
