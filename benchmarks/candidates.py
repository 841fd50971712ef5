"""The proposers of candidates side by side, as ``docs/why/candidates.md`` quotes them, on a quiet machine.

What ``microcalc benchmark --proposers`` compares, in one process, one image after the other, so that seconds are those
of the proposers alone. ``none`` counts images on which no lesion is found; ``FP/TP`` and ``median`` are of the others.
"""

import argparse
import tempfile
from pathlib import Path

from microcalc.benchmark.job import BenchmarkOptions, benchmark

PROPOSERS = {
    "morphology, 0.95": "morphology",
    "morphology, 0.97": "morphology:first_quantile=0.97",
    "hough, first pass": "hough:second_pass=false",
    "hough, second pass": "hough",
    "hdog, eigenvalue product": "hdog",
    "hdog, trace and determinant": "hdog:condition=trace-determinant",
    "hdog, roundness": "hdog:condition=roundness",
    # Levels divided by the step between scales less 1, at the same threshold.
    "hdog, public code's levels": f"hdog:threshold={0.006 * (3 ** (1 / 20) - 1):.6g}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="bench:v1-small", help="a data set: bench:v1-small, truth:FOLDER")
    parser.add_argument("--split", default="train", help="its part (v1-small has no lesions in `validation`), or `all`")
    parser.add_argument("--out", type=Path, help="keep the report in this folder")
    arguments = parser.parse_args()
    options = BenchmarkOptions(
        proposers=tuple(PROPOSERS.values()), split=None if arguments.split == "all" else arguments.split
    )
    with tempfile.TemporaryDirectory() as folder:
        found = benchmark(arguments.data, arguments.out or Path(folder), options).candidates
    on = f"{found.proposers[0].sensitivity.n} of {found.images} images"
    print(f"{arguments.data}, {arguments.split}: {found.lesions} lesions on {on}")
    print(f"{'proposer':28} candidates  covered sensitivity  none    FP/TP  median  seconds  processor")
    for name, it in zip(PROPOSERS, found.proposers, strict=True):
        print(
            f"{name:28} {it.candidates.value:10.0f} {it.covered.value:8.3f} {it.sensitivity.value:11.3f} "
            f"{it.none_found:5d} {it.fp_per_tp.value:8.1f} {it.fp_per_tp_median.value:7.1f} "
            f"{it.seconds.median:8.2f} {it.processor_seconds.median:10.2f}"
        )


if __name__ == "__main__":
    main()
