import dataclasses
import itertools
import os
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from typing import get_args

import numpy as np
import pydicom
import pytest

from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.parallel import process_pool
from microcalc.synthesis import bench
from microcalc.synthesis.bench import BENCHMARKS, Benchmark, compare, load_benchmark, make_benchmark, sha256
from microcalc.synthesis.calcification import Morphology
from microcalc.synthesis.device import DEVICES, draw_device
from microcalc.synthesis.generate import synthesize
from microcalc.synthesis.phantom import Tissue
from microcalc.truth import Truth

SMALL, MEDIUM, LARGE = (BENCHMARKS[f"v1-{size}"].plans for size in ("small", "medium", "large"))

#: Two breasts a few centimetres deep: one study with calcium, one without.
TINY = tuple(
    dataclasses.replace(plan, shape=(500, 360), spacing_mm=0.1, device="direct-70") for plan in (SMALL[0], SMALL[3])
)


def test_sizes_are_parts_of_one_another():
    assert [4 * len(plans) for plans in (SMALL, MEDIUM, LARGE)] == [40, 200, 1000]
    assert MEDIUM[: len(SMALL)] == SMALL
    assert LARGE[: len(MEDIUM)] == MEDIUM


def test_every_patient_is_drawn_from_a_seed_of_its_own():
    assert len({plan.patient for plan in LARGE}) == len({plan.seed for plan in LARGE}) == len(LARGE)
    assert [plan.number for plan in LARGE] == list(range(1, 251))


@pytest.mark.parametrize("plans", [SMALL, MEDIUM, LARGE])
def test_split_and_normal_studies(plans):
    share = {split: n / len(plans) for split, n in Counter(plan.split for plan in plans).items()}
    assert share == {"train": 0.4, "validation": 0.2, "test": 0.4}
    # With the normal breasts of the other studies, about 40 % of the images are normal.
    normal = Counter(plan.split for plan in plans if plan.normal)
    assert {split: n / len(plans) for split, n in normal.items()} == {"train": 0.1, "validation": 0.1, "test": 0.1}


def test_most_are_of_one_unit_and_large_has_all_others_on_both_sides():
    for plans in (SMALL, MEDIUM, LARGE):
        assert sum(plan.device == "direct-70" for plan in plans) == 0.8 * len(plans)
    for split in ("train", "test"):
        assert {plan.device for plan in LARGE if plan.split == split} == set(DEVICES)


def test_every_size_asks_for_every_morphology():
    for plans in (SMALL, MEDIUM, LARGE):
        assert {kind for plan in plans for kind in plan.morphologies} == set(get_args(Morphology))
    assert not any(plan.morphologies for plan in LARGE if plan.normal)


def test_an_unknown_benchmark():
    with pytest.raises(UsageError, match="a benchmark out of v1-small, v1-medium, v1-large, found 'v1'"):
        load_benchmark("v1")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """(folder, truth) of a benchmark of two small studies."""
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BENCHMARKS, "tiny", Benchmark("tiny", TINY))
        yield folder, make_benchmark("tiny", folder)


def test_a_benchmark_is_written_with_its_truth(tiny):
    folder, truth = tiny
    assert Truth.from_json(folder / "truth.json") == truth
    assert [(image.patient, image.split) for image in truth.images] == [
        (plan.patient, plan.split) for plan in TINY for _ in range(4)
    ]
    assert all(image.normal for image in truth.images[4:])
    assert any(image.calcifications or image.ignore for image in truth.images[:4])
    assert all((folder / image.path).exists() for image in truth.images)


def test_what_is_made_is_not_made_again(tiny):
    folder, truth = tiny
    drawn = []
    again = make_benchmark("tiny", folder, resume=True, on_study=lambda *outcome: drawn.append(outcome))
    assert again == truth
    assert drawn == []


def test_a_making_is_checked_by_its_hash(tiny):
    folder, truth = tiny
    right = Benchmark("tiny", TINY, sha256(folder / "truth.json"))
    assert right.check(folder) == truth
    wrong = dataclasses.replace(right, truth_sha256="0" * 64)
    assert not wrong.is_in(folder)
    with pytest.raises(MicrocalcError, match=f"expected the truth of tiny, sha256 0{{64}}, found {right.truth_sha256}"):
        wrong.check(folder)


def test_a_making_is_whole_or_none(tiny, tmp_path):
    folder, _ = tiny
    with pytest.raises(MicrocalcError, match="expected the 10 patients of v1, found 8 missing, bench-v1-0002 first"):
        Benchmark("v1", SMALL).check(folder)
    with pytest.raises(ReadError):
        Benchmark("v1", SMALL).check(tmp_path)
    assert not Benchmark("v1", SMALL).is_in(tmp_path)


def test_a_making_without_one_of_its_images_is_none(copy):
    assert Benchmark("tiny", TINY).is_in(copy[0])
    sorted(copy[0].rglob("*.dcm"))[3].unlink()
    assert not Benchmark("tiny", TINY).is_in(copy[0])


def test_another_recipe_truth_or_version_has_another_key(monkeypatch):
    one = Benchmark("a", TINY)
    assert one.key == Benchmark("b", TINY).key
    assert len({one.key, Benchmark("a", TINY[:1]).key, Benchmark("a", TINY, "ab" * 32).key}) == 3
    before = one.key
    monkeypatch.setitem(bench.VERSIONS, "scipy", "0.1")
    assert one.key != before


@pytest.fixture
def copy(tiny, tmp_path):
    """Two folders of the same."""
    return shutil.copytree(tiny[0], tmp_path / "one"), shutil.copytree(tiny[0], tmp_path / "other")


def change(path, how):
    """Write other stored values over an image's own, rows and columns in one line."""
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array.copy()
    how(pixels.reshape(-1))
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path)


def brighten(path, count, levels):
    def add(line):
        line[:count] += np.uint16(levels)

    change(path, add)


def test_a_copy_is_the_same(copy):
    result = compare(*copy)
    assert (result.truth_equal, result.pixels, result.beyond_one_level) == (True, 8 * 500 * 360, 0)
    assert result.same


# One in 100,000 of 1.44 million pixels are 14.
@pytest.mark.parametrize(("changed", "levels", "same"), [(5000, 1, True), (14, 2, True), (15, 2, False)])
def test_pixels_may_differ_by_one_level_and_a_few_by_more(copy, changed, levels, same):
    brighten(sorted(copy[1].rglob("*.dcm"))[-1], changed, levels)
    result = compare(*copy)
    assert result.beyond_one_level == (changed if levels > 1 else 0)
    assert result.same is same


def test_values_that_no_pixel_has_are_no_levels(copy):
    def leave_out_odd_ones(line):
        line -= line % 2

    images = [sorted(folder.rglob("*.dcm"))[0] for folder in copy]
    for image in images:
        change(image, leave_out_odd_ones)
    brighten(images[1], 5000, 2)
    assert compare(*copy).same


@pytest.mark.parametrize(("apart", "same"), [(4, True), (5, False)])
def test_rare_values_are_no_neighbours(copy, apart, same):
    """Between 100 and what it becomes no pixel has a value: only so many do units leave out."""

    def fill(line):
        line[:] = 100

    images = [sorted(folder.rglob("*.dcm"))[0] for folder in copy]
    for image in images:
        change(image, fill)
    brighten(images[1], 5000, apart)
    assert compare(*copy).same is same


def test_no_unit_leaves_out_more_values_than_that():
    for name, number in itertools.product(DEVICES, range(8)):
        device = draw_device(np.random.default_rng(number), name=name)
        # All exposures there are, over tissue of no thickness far from the skin.
        exposed = np.linspace(-3, 9, 500_000, dtype=np.float32)[None]
        tissue = Tissue(exposed, np.zeros_like(exposed), np.full_like(exposed, 99))
        grey = dataclasses.replace(device, look=dataclasses.replace(device.look, unsharp=0.0)).present(exposed, tissue)
        assert np.diff(np.unique(grey).astype(int)).max() <= bench._WIDEST_STEP


def test_truth_may_not_differ_at_all(copy):
    path = copy[1] / "truth.json"
    path.write_text(path.read_text() + "\n")
    assert not compare(*copy).same


def test_other_images_cannot_be_compared(copy):
    path = copy[1] / "truth.json"
    truth = Truth.from_json(path)
    path.write_text(truth.model_copy(update={"images": truth.images[:3]}).to_json())
    with pytest.raises(MicrocalcError, match=r"other images \(8 and 3\)"):
        compare(*copy)


def elsewhere(plans, folder):
    """Draw plans as a plainer processor with other numbers of threads would."""
    environment = os.environ | {
        "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"]),
        "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX2,FP16,AVX,SSE4_2,SSE4_1",
        "OPENCV_IPP": "disabled",
        "OPENCV_FOR_THREADS_NUM": "3",
        "OPENBLAS_CORETYPE": "Prescott",
        "OPENBLAS_NUM_THREADS": "3",
    }
    plans_file = folder / "plans"
    folder.mkdir()
    plans_file.write_bytes(pickle.dumps(plans))
    program = (
        "import pathlib, pickle, sys; from microcalc.synthesis.generate import synthesize; "
        "folder = pathlib.Path(sys.argv[1]); "
        "synthesize(pickle.loads((folder / 'plans').read_bytes()), folder)"
    )
    subprocess.run([sys.executable, "-c", program, folder], check=True, env=environment)


@pytest.mark.slow
def test_another_processor_makes_the_same(tmp_path):
    plans = (SMALL[0], *(plan for plan in SMALL if plan.device != "direct-70"))
    synthesize(plans, tmp_path / "here")
    elsewhere(plans, tmp_path / "there")
    result = compare(tmp_path / "here", tmp_path / "there")
    assert result.truth_equal
    assert result.same


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, benchmark in BENCHMARKS.items() if benchmark.truth_sha256])
def test_a_published_benchmark_is_made_anew(tmp_path, name):
    """Making it checks its hash."""
    make_benchmark(name, tmp_path, make_executor=process_pool())
    assert sha256(tmp_path / "truth.json") == BENCHMARKS[name].truth_sha256
