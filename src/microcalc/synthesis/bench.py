"""The public benchmark ``microcalc-bench v1``: fixed synthetic studies in three sizes, made anew by anybody.

Nothing is stored but this recipe. Ten patients are a round, and a size is a number of rounds: the small set is a part
of the medium one and that of the large one, and a patient stands on the same side of the split in all of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from microcalc.batch import MakeExecutor
from microcalc.errors import MicrocalcError, UsageError
from microcalc.synthesis.calcification import Morphology
from microcalc.synthesis.generate import OnStudy, synthesize
from microcalc.synthesis.lesions import Difficulty
from microcalc.synthesis.odds import BENIGN, LESIONS
from microcalc.synthesis.plans import VERSIONS, key_of
from microcalc.synthesis.study import StudyPlan
from microcalc.truth import Split, Truth

#: The dial: one setting for all sizes, chosen by what the detector ``morphology`` scores on the test patients.
DIFFICULTY = Difficulty(contrast=1.2)

#: Codes that imaging units leave out, one after the other, at most plus one (gaps in their look-up tables).
_WIDEST_STEP = 4

#: Patient ``n`` is drawn from this seed plus ``n``.
_FIRST_SEED = 2_001_000_000
_USUAL = "direct-70"
#: In turn, from round to round.
_OTHERS = (
    "csi-100", "film-50", "direct-85", "cr-50", "csi-85",
    "counting-50", "film-50-8", "csi-100-raw", "cr-needle-50", "direct-70-raw",
)  # fmt: skip

#: Every patient with calcium holds one of each in turn, so that rare kinds are there too.
_LESIONS: tuple[Morphology, ...] = tuple(dict.fromkeys(kind for kind, _ in LESIONS))
_BENIGN: tuple[Morphology, ...] = tuple(BENIGN)

#: The patients of a round, in order: side of the split, no calcium, and imaged by one of the other units.
_ROUND: tuple[tuple[Split, bool, bool], ...] = (
    ("train", False, False),
    ("test", False, False),
    ("validation", False, False),
    ("test", True, False),
    ("train", True, False),
    ("test", False, True),
    ("train", False, True),
    ("validation", True, False),
    ("test", False, False),
    ("train", False, False),
)


@dataclass(frozen=True)
class Benchmark:
    """A set of studies that is the same everywhere."""

    name: str
    plans: tuple[StudyPlan, ...]
    #: Of truth.json; None while it is not fixed.
    truth_sha256: str | None = None

    @property
    def key(self) -> str:
        """Short name of this making: another recipe, truth or version of what draws it has another."""
        return key_of((*VERSIONS.values(), *self.plans, self.truth_sha256))[:12]

    def is_in(self, folder: Path) -> bool:
        """Whether a folder holds this benchmark, whole: its truth, and every image."""
        try:
            return all((folder / image.path).exists() for image in self.check(folder).images)
        except MicrocalcError:
            return False

    def check(self, folder: Path) -> Truth:
        """The truth in a folder, once it is known to be this benchmark's.

        Raises:
            ReadError: there is no truth.json, or a damaged one.
            MicrocalcError: it is another one, or not complete.
        """
        path = folder / "truth.json"
        truth = Truth.from_json(path)
        found = sha256(path)
        if self.truth_sha256 not in (None, found):
            raise MicrocalcError(
                expected=f"the truth of {self.name}, sha256 {self.truth_sha256}",
                found=found,
                do="make it anew with this version of the package and its tested versions of NumPy, SciPy and OpenCV; "
                "figures on other data are not comparable",
                where=path,
            )
        missing = {plan.patient for plan in self.plans} - {image.patient for image in truth.images}
        if missing:
            raise MicrocalcError(
                expected=f"the {len(self.plans)} patients of {self.name}",
                found=f"{len(missing)} missing, {min(missing)} first",
                do="see in run.json why, and go on with --resume",
                where=path,
            )
        return truth


def _plan(number: int) -> StudyPlan:
    turn, place = divmod(number - 1, len(_ROUND))
    split, normal, other = _ROUND[place]
    before = turn * sum(not free for _, free, _ in _ROUND) + sum(not free for _, free, _ in _ROUND[:place])
    return StudyPlan(
        patient=f"bench-v1-{number:04}",
        number=number,
        seed=_FIRST_SEED + number,
        normal=normal,
        split=split,
        difficulty=DIFFICULTY,
        morphologies=() if normal else (_LESIONS[before % len(_LESIONS)], _BENIGN[before % len(_BENIGN)]),
        device=_OTHERS[(turn + (split == "train")) % len(_OTHERS)] if other else _USUAL,
    )


def _benchmark(name: str, rounds: int, truth_sha256: str | None = None) -> Benchmark:
    return Benchmark(name, tuple(_plan(number) for number in range(1, rounds * len(_ROUND) + 1)), truth_sha256)


#: By name. 40, 200 and 1000 images.
BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        _benchmark("v1-small", 1, "828add7adb71c49d29ac20fc0872e86e418365e750f9b5fbd5d3bdc9547880c4"),
        _benchmark("v1-medium", 5),
        _benchmark("v1-large", 25),
    )
}


def load_benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in BENCHMARKS:
        raise UsageError(
            expected=f"a benchmark out of {', '.join(BENCHMARKS)}", found=repr(name), do="choose one of them"
        )
    return BENCHMARKS[name]


def make_benchmark(
    name: str,
    folder: Path,
    *,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_study: OnStudy | None = None,
) -> Truth:
    """Write a benchmark's images and ``truth.json`` into a folder (layout ``truth``), and check that they are its own.

    Args:
        name: out of ``BENCHMARKS``.
        folder: made where missing.
        make_executor: makes the pool that draws the studies; None: one after the other, here.
        resume: go on with an interrupted run into the same folder.
        on_study: called after each study with its outcome, the number done and the number of all.

    Raises:
        UsageError: no such benchmark, or the folder holds something else.
        WriteError: the folder cannot be written.
        MicrocalcError: this machine's truth is not that of the benchmark.
    """
    benchmark = load_benchmark(name)
    synthesize(benchmark.plans, folder, make_executor=make_executor, resume=resume, on_study=on_study)
    return benchmark.check(folder)


@dataclass(frozen=True)
class Comparison:
    """How two makings of one benchmark differ."""

    truth_equal: bool
    #: Of all images together, and those of them that differ by more than one grey level.
    pixels: int
    beyond_one_level: int

    @property
    def same(self) -> bool:
        """Equal truth, and pixels within one grey level for all but one in 100,000."""
        return self.truth_equal and self.beyond_one_level * 100_000 <= self.pixels


def compare(folder_a: Path, folder_b: Path) -> Comparison:
    """Compare truth.json byte by byte, and the stored values of every image that both list.

    A grey level is a stored value that occurs in one of the images: some units leave up to three in a row out. What is
    further apart than that differs, whatever occurs between.

    Raises:
        ReadError: one has no truth.json, or a damaged one.
        MicrocalcError: the two list different images, or images of different shapes.
    """
    names = [[image.path for image in Truth.from_json(folder / "truth.json").images] for folder in (folder_a, folder_b)]
    if names[0] != names[1]:
        raise MicrocalcError(
            expected="two makings of one set",
            found=f"other images ({len(names[0])} and {len(names[1])})",
            do="compare folders made by the same plans",
            where=folder_b,
        )
    pixels = beyond = 0
    for name in names[0]:
        a, b = (pydicom.dcmread(folder / name).pixel_array for folder in (folder_a, folder_b))
        if a.shape != b.shape:
            raise MicrocalcError(
                expected=f"{a.shape[0]} x {a.shape[1]} pixels",
                found=f"{b.shape[0]} x {b.shape[1]}",
                do="compare folders made by the same plans",
                where=folder_b / name,
            )
        pixels += a.size
        beyond += _beyond_one_level(a, b)
    equal = sha256(folder_a / "truth.json") == sha256(folder_b / "truth.json")
    return Comparison(equal, pixels, beyond)


def _beyond_one_level(a: NDArray[np.uint16], b: NDArray[np.uint16]) -> int:
    """Pixels of two images that differ by more than one grey level."""
    used = np.bincount(a.ravel(), minlength=1 << 16) + np.bincount(b.ravel(), minlength=1 << 16) > 0
    level = np.cumsum(used)
    codes, levels = (np.abs(one.astype(np.int32) - other) for one, other in ((a, b), (level[a], level[b])))
    return int(((levels > 1) | (codes > _WIDEST_STEP)).sum())


def sha256(path: Path) -> str:
    """Of a file's content, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
