from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from microcalc.datasets import Record, Table, cache_folder, open_data
from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.synthesis import StudyPlan, bench, generate
from microcalc.synthesis.layouts import Layout
from microcalc.truth import ImageTruth, Truth


def record(name, patient="p1", split=None, **known):
    return Record(Path(name), ImageTruth(path=name, patient=patient, split=split, **known))


@pytest.fixture
def table():
    return Table(
        [
            record("a.png", "p1", "train", normal=True),
            record("b.png", "p1", "train", normal=False),
            record("c.png", "p2", "test", normal=True),
        ]
    )


def names(table):
    return [record.path.name for record in table]


def write(folder, *truths):
    """A folder of grey images with their truth."""
    for truth in truths:
        ramp = np.linspace(0, 65535, 40 * 30).reshape(40, 30).astype(np.uint16)
        Image.fromarray(ramp).save(folder / truth.path)
    (folder / "truth.json").write_text(Truth(root=".", images=truths).to_json())
    return folder


def test_a_table_is_a_sequence_of_records(table):
    assert len(table) == 3
    assert table[0].truth.normal
    assert names(table[1:]) == ["b.png", "c.png"]
    assert isinstance(table[1:], Table)
    assert table.patients == ("p1", "p2")
    assert repr(table) == "Table of 3 images of 2 patients"


def test_filter_split_and_merge_give_new_tables(table):
    assert names(table.filter(lambda truth: truth.normal)) == ["a.png", "c.png"]
    assert names(table.split("train")) == ["a.png", "b.png"]
    assert names(table.split("test").merge(table.split("train"))) == ["c.png", "a.png", "b.png"]
    assert len(table) == 3


def test_a_split_that_is_not_there_is_named_with_those_that_are(table):
    with pytest.raises(UsageError, match=r"split 'validation', found the splits test, train"):
        table.split("validation")
    with pytest.raises(UsageError, match="no split in this data set"):
        Table([record("a.png")]).split("train")


def test_with_truth_changes_what_is_known(table):
    renamed = table.with_truth(lambda truth: truth.model_copy(update={"patient": f"x-{truth.patient}"}))
    assert renamed.patients == ("x-p1", "x-p2")
    assert table.patients == ("p1", "p2")


def test_a_patient_on_two_sides_is_refused(table):
    with pytest.raises(
        MicrocalcError, match="one side of the split, found 1 on two or more, such as one in test and t"
    ):
        Table([*table, record("d.png", "p2", "train")])
    # Two data sets may both call somebody p1: merged, that is one patient.
    with pytest.raises(MicrocalcError, match="rename the patients first"):
        table.merge(Table([record("other/a.png", "p1", "test")]))


def test_a_split_needs_patients():
    with pytest.raises(MicrocalcError, match="expected the patient of every image of a split"):
        Table([record("a.png", None, "train")])
    assert len(Table([record("a.png", None)])) == 1


def test_an_image_twice_is_refused(table):
    with pytest.raises(MicrocalcError, match="each image once, by its file"):
        table.merge(table[:1])
    with pytest.raises(MicrocalcError, match="each image once, by its SOPInstanceUID"):
        Table([record("a.png", sop_instance_uid="1.2"), record("b.png", sop_instance_uid="1.2")])


def test_no_message_names_a_patient():
    with pytest.raises(MicrocalcError) as error:
        Table([record("a.png", "Jane", "train"), record("b.png", "Jane", "test")])
    assert "Jane" not in str(error.value)


def test_a_silent_file_gets_the_spacing_of_its_data_set(tmp_path):
    write(tmp_path, ImageTruth(path="L_CC.png", spacing_mm=(0.05, 0.06)), ImageTruth(path="b.png"))
    first, second = (r.read() for r in Table.from_truth(tmp_path))
    assert (first.spacing_mm, first.spacing_source) == ((0.05, 0.06), "dataset")
    assert (first.side, first.view, first.shape) == ("L", "CC", (40, 30))
    assert second.spacing_mm is None


def test_a_file_that_states_its_spacing_keeps_it(study):
    folder, truth = study
    doubled = truth.images[0].model_copy(update={"spacing_mm": (0.2, 0.2)})
    mammogram = Record(folder / doubled.path, doubled).read()
    assert (mammogram.spacing_mm, mammogram.spacing_source) == ((0.1, 0.1), "header")


def test_another_image_than_the_truths_is_refused(tmp_path):
    write(tmp_path, ImageTruth(path="a.png", rows=40, columns=31))
    with pytest.raises(ReadError, match="expected 40 x 31 pixels, as its truth says, found 40 x 30"):
        Table.from_truth(tmp_path)[0].read()


def test_an_image_of_another_run_is_refused(study):
    folder, truth = study
    older = truth.images[0].model_copy(update={"sop_instance_uid": "1.2.3"})
    with pytest.raises(ReadError, match="expected the SOPInstanceUID, as its truth says, found another one"):
        Record(folder / older.path, older).read()
    assert Record(folder / older.path, older.model_copy(update={"sop_instance_uid": None})).read()


def test_truth_opens_by_folder_and_by_file(tmp_path):
    write(tmp_path, ImageTruth(path="a.png"))
    by_folder, by_file = open_data(f"truth:{tmp_path}"), open_data(f"truth:{tmp_path / 'truth.json'}")
    assert list(by_folder) == list(by_file) == [Record(tmp_path / "a.png", ImageTruth(path="a.png"))]


def test_the_root_of_a_truth_is_relative_to_its_file(tmp_path):
    (tmp_path / "images").mkdir()
    write(tmp_path / "images", ImageTruth(path="a.png"))
    (tmp_path / "known.json").write_text(Truth(root="images", images=(ImageTruth(path="a.png"),)).to_json())
    assert open_data(f"truth:{tmp_path / 'known.json'}")[0].read().shape == (40, 30)


def test_missing_images_are_counted_and_the_first_is_named(tmp_path):
    write(tmp_path, *(ImageTruth(path=name) for name in ("a.png", "b.png", "c.png")))
    (tmp_path / "b.png").unlink()
    (tmp_path / "c.png").unlink()
    with pytest.raises(ReadError, match=r"b\.png: expected 3 images beside their truth, found 2 missing"):
        open_data(f"truth:{tmp_path}")


def test_there_is_no_truth(tmp_path):
    with pytest.raises(ReadError, match=r"truth\.json: expected a file of microcalc.truth/1"):
        open_data(f"truth:{tmp_path}")


@pytest.mark.parametrize("spec", ["", "truth", "truth:", "/path", "inbreast2:/path", ":v1"])
def test_a_spec_of_no_known_kind(spec):
    with pytest.raises(UsageError, match="expected data as "):
        open_data(spec)


def test_an_unknown_benchmark():
    with pytest.raises(UsageError, match="a benchmark out of v1-small, v1-medium, v1-large, found 'v2'"):
        open_data("bench:v2")


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MICROCALC_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "microcalc"


def test_a_benchmark_is_made_once_and_found_again(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path))
    small = bench.BENCHMARKS["v1-small"]
    monkeypatch.setitem(bench.BENCHMARKS, "v1-small", bench.Benchmark("v1-small", small.plans, None))
    made = []

    def make(name, folder, *, make_executor, resume, on_study):
        made.append((name, make_executor, resume, on_study))
        folder.mkdir(parents=True)
        write(folder, *(ImageTruth(path=f"{p.number}.png", patient=p.patient, split=p.split) for p in small.plans))

    monkeypatch.setattr(bench, "make_benchmark", make)
    table = open_data("bench:v1-small", make_executor="pool", on_study="tell")
    assert made == [("v1-small", "pool", True, "tell")]
    assert len(open_data("bench:v1-small")) == len(table) == 10
    assert len(made) == 1
    assert table[0].path.is_relative_to(tmp_path)


SPEC = "bench:v1-small"


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """A benchmark of two patients without pixels in a cache of its own: the list of images drawn, in order."""
    plans = tuple(StudyPlan(f"p{number}", number, seed=number) for number in (1, 2))
    drawn = []

    def draw(plan):
        drawn.append(plan.patient)
        truth = ImageTruth(path="", patient=plan.patient, view="CC")
        yield SimpleNamespace(truth=truth, instance=1, number=plan.number)

    def lay(root, picture):
        (root / picture.truth.patient).touch()
        return picture.truth.model_copy(update={"path": picture.truth.patient})

    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path))
    monkeypatch.setitem(bench.BENCHMARKS, "v1-small", bench.Benchmark("v1-small", plans))
    monkeypatch.setattr(generate, "draw_study", draw)
    monkeypatch.setitem(generate.LAYOUTS, "truth", Layout(lay, lambda root, images: None))
    return drawn


def folders(tmp_path):
    return sorted(path.name.partition(".")[2] for path in (tmp_path / "bench").iterdir())


def test_a_benchmark_that_has_lost_an_image_is_completed(cached, tmp_path):
    table = open_data(SPEC)
    table[1].path.unlink()
    assert list(open_data(SPEC)) == list(table)
    assert cached == ["p1", "p2", "p2"]
    assert folders(tmp_path) == [""]


@pytest.mark.parametrize("damage", ["truth.json", "run.json"])
def test_a_benchmark_past_mending_is_made_anew(cached, damage):
    table = open_data(SPEC)
    table[1].path.unlink()
    (table[1].path.parent / damage).write_text("no JSON")
    assert list(open_data(SPEC)) == list(table)
    assert cached == ["p1", "p2"] * 2


def test_a_benchmark_that_was_broken_off_is_gone_on_with(cached, tmp_path):
    def stop(outcome, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_data(SPEC, on_study=stop)
    assert folders(tmp_path) == ["part"]
    assert len(open_data(SPEC)) == 2
    assert cached == ["p1", "p2"]
    assert folders(tmp_path) == [""]


def test_two_that_make_one_benchmark_do_not_meet(cached, tmp_path):
    """The other one makes all of it while this one is at its second patient."""
    tables = []

    def meanwhile(outcome, done, total):
        if done == 1 and not tables:
            tables.append(None)
            tables.append(open_data(SPEC))

    assert list(open_data(SPEC, on_study=meanwhile)) == list(tables[1])
    assert cached == ["p1", "p1", "p2", "p2"]
    assert folders(tmp_path) == [""]
