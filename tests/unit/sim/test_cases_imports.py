"""Trace counts of case V27 that no reader of the product gives: the files as they lie there, counted plainly.

What the readers keep of KTH and Philly is held to the same case in `test_traces.py`.
"""

import csv
import gzip

import pytest

from case_file import case


def rows(path) -> list[dict[str, str]]:
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.traces
def test_v27_every_file_has_its_published_number_of_rows(trace_file) -> None:
    one = case("V27")
    for name, expected in zip(one["inputs"]["files"], one["expected"]["rows"], strict=True):
        if ".swf" not in name:  # the log has header lines; its reader is held to the count elsewhere
            assert len(rows(trace_file(name))) == expected, name


@pytest.mark.traces
def test_v27_tokens_gpus_and_switches_add_up_to_the_published_counts(trace_file) -> None:
    expected, files = case("V27")["expected"], case("V27")["inputs"]["files"]
    for column, name in (("ContextTokens", "azure_context_tokens"), ("GeneratedTokens", "azure_generated_tokens")):
        found = [sum(int(row[column]) for row in rows(trace_file(file))) for file in files if "azure" in file]
        assert found == expected[name]
    (nodes,), (hosts,) = ([file for file in files if word in file] for word in ("node_info", "topo"))
    assert sum(int(row["gpu_capacity_num"]) for row in rows(trace_file(nodes))) == expected["alibaba_gpus"]
    assert len({row["PSW"] for row in rows(trace_file(hosts))}) == expected["lingjun_psw"]
    assert len({row["ASW"] for row in rows(trace_file(hosts))}) == expected["lingjun_asw"]
