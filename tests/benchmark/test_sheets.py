"""The tables hold every digit of a count."""

import csv
from pathlib import Path

from microcalc.benchmark.records import Benchmark, Proposed
from microcalc.benchmark.sheets import write_sheets
from microcalc.benchmark.summary import summarise
from microcalc.datasets import Record, Table


def test_large_counts_are_not_rounded(outcome, proposed, image_truth, tmp_path):
    image = proposed("a", hdog=outcome((True,), 1234567))
    kept = Proposed(proposers=("hdog",), rule="disc14", images=(image,), failed=())
    table = Table([Record(Path("a"), image_truth("a", 1, patient="p"))])
    candidates = summarise(kept, table, draws=100, seed=0)
    whole = Benchmark(
        microcalc="0", data="truth:x", split=None, images=1, remarks=(), detectors=(), candidates=candidates
    )
    write_sheets(whole, kept, tmp_path)
    proposers, images = (
        list(csv.DictReader((tmp_path / f"{name}.csv").open())) for name in ("proposers", "candidates")
    )
    assert [row["value"] for row in proposers if row["measure"] == "fp_per_tp"] == ["1234567"]
    assert [row["false_positives"] for row in images] == ["1234567"]
