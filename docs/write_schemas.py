"""Write the JSON Schemas of the result files beside the pages that explain them (``make schema``)."""

from __future__ import annotations

import json
from pathlib import Path

from microcalc.benchmark.patch_records import PatchBenchmark
from microcalc.benchmark.records import Benchmark
from microcalc.comparison.records import Evaluation
from microcalc.explain.heatmap_records import Heatmap
from microcalc.explain.records import Explanation
from microcalc.findings import Record, Report
from microcalc.inspection import Inspection
from microcalc.patches.store import Manifest
from microcalc.training.classifier_records import ClassifierReport
from microcalc.training.history import History
from microcalc.training.sweep_records import Sweep
from microcalc.truth import Truth

RECORDS: dict[str, type[Record]] = {
    "findings.schema.json": Report,
    "truth.schema.json": Truth,
    "evaluation.schema.json": Evaluation,
    "benchmark.schema.json": Benchmark,
    "patch-benchmark.schema.json": PatchBenchmark,
    "inspection.schema.json": Inspection,
    "patches.schema.json": Manifest,
    "history.schema.json": History,
    "patch-report.schema.json": ClassifierReport,
    "sweep.schema.json": Sweep,
    "explanation.schema.json": Explanation,
    "heatmap.schema.json": Heatmap,
}


def schema(record: type[Record]) -> str:
    """The JSON Schema (draft 2020-12) of files of this kind."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | record.model_json_schema(by_alias=True), indent=1) + "\n"


if __name__ == "__main__":
    for name, record in RECORDS.items():
        (Path(__file__).parent / "reference" / name).write_text(schema(record), encoding="utf-8")
