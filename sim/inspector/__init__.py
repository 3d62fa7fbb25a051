"""The isolation inspector for people: runs the attacks of a checkout, and shows what they came to.

attacks  runs tests/isolation in a process of its own, and reads its evidence
words    the report as plain data, and in one line
page     the report as one HTML page
"""
