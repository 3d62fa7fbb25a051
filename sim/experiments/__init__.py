"""Experiments: shipped questions, each answered by replications, held against what is known, and put on one page."""
