import filecmp
import functools
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from microcalc.datasets import open_data
from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.patches import cutting
from microcalc.patches.job import write_store
from microcalc.patches.planning import ImagePlan
from microcalc.patches.store import PatchStore


@pytest.fixture(scope="module")
def table(small_set):
    return open_data(f"truth:{small_set}")


@pytest.fixture(scope="module")
def store(table, tmp_path_factory):
    return write_store(tmp_path_factory.mktemp("store"), "pesapane112", table, seed=7)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def same(first, second, *but):
    """Whether two folders hold the same files, byte by byte, but for those named."""
    compared = [name for name in names(first) if name not in but]
    return names(first) == names(second) and filecmp.cmpfiles(first, second, compared, shallow=False)[0] == compared


def test_patches_are_the_pixels_of_their_places(store, small_set):
    assert len(store) == 18  # three calcifications of three patients, and as many normal patches
    for index, patch in enumerate(store.patches):
        stored = np.array(Image.open(small_set / patch.image))
        window = stored[patch.y0 : patch.y0 + 112, patch.x0 : patch.x0 + 112]
        assert np.abs(store.pixels([index])[0].astype(int) - window).max() <= 1


def test_the_manifest_counts(store):
    known = store.manifest
    assert known.counts == {
        side: {"normal": 3, "benign": 3, "malignant": 0, "calcification": 0} for side in ("test", "train", "validation")
    }
    assert (known.protocol, known.size_px, known.seed, known.images) == ("pesapane112", 112, 7, 6)
    assert (known.failed, known.dropped, known.balanced_out) == ((), 0, 0)
    assert [shard.patches for shard in known.shards] == [18]


def test_no_patch_of_a_test_patient_is_in_another_part(store):
    sides = {}
    for patch in store.patches:
        sides.setdefault(patch.patient, set()).add(patch.split)
    assert sides == {"p0": {"train"}, "p1": {"validation"}, "p2": {"test"}}


def test_what_is_written_opens_again(store):
    again = PatchStore.open(store.folder)
    assert again.patches == store.patches
    assert again.manifest == store.manifest
    assert names(store.folder) == [
        "contact-benign.html",
        "contact-calcification.html",
        "contact-malignant.html",
        "contact-normal.html",
        "contact/benign-000.jpg",
        "contact/normal-000.jpg",
        "patches.csv",
        "run.json",
        "shard-0000.npy",
        "store.json",
        "truth.json",
    ]


def test_what_is_known_of_the_images_goes_with_them(store, table, tmp_path):
    assert store.truths == {record.truth.path: record.truth for record in table}
    without = tmp_path / "without"
    shutil.copytree(store.folder, without)
    (without / "truth.json").unlink()
    assert PatchStore.open(without).truths == {}


def test_equal_seeds_give_equal_stores_in_whichever_order_images_are_done(store, table, tmp_path):
    pool = functools.partial(ThreadPoolExecutor, 3)
    pooled = write_store(tmp_path / "pooled", "pesapane112", table, seed=7, make_executor=pool)
    assert same(store.folder, pooled.folder, "run.json")
    other = write_store(tmp_path / "other", "pesapane112", table, seed=8)
    assert other.patches != store.patches


def test_one_side_alone_has_the_patches_it_has_among_all(store, table, tmp_path):
    test = write_store(tmp_path, "pesapane112", table, seed=7, split="test")
    assert test.patches == tuple(patch for patch in store.patches if patch.split == "test")


def test_shards_are_filled_by_images(store, table, tmp_path, monkeypatch):
    monkeypatch.setattr(cutting, "SHARD_IMAGES", 2)
    shards = write_store(tmp_path, "pesapane112", table, seed=7)
    assert [shard.patches for shard in shards.manifest.shards] == [12, 6]
    assert np.array_equal(shards.pixels(range(18)), store.pixels(range(18)))
    # 6 patches of an image do not fit where there is room for 8 and 6 are in.
    monkeypatch.setattr(cutting, "SHARD_BYTES", 8 * 2 * 112**2)
    assert [s.patches for s in write_store(tmp_path, "pesapane112", table, seed=7).manifest.shards] == [6, 6, 6]


def test_masks_lie_on_the_calcifications(tmp_path, toy):
    toy.draw_breast(tmp_path / "a.png", (640, 600))
    truth = '{"schema":"microcalc.truth/1","root":".","images":[{"path":"a.png","calcifications":[{"x":200,"y":300,'
    (tmp_path / "truth.json").write_text(truth + '"pathology":"malignant"}]}]}')
    store = write_store(tmp_path / "out", "terrassin512", open_data(f"truth:{tmp_path}"))
    [patch] = store.patches
    assert np.argwhere(store.masks([0])[0]).tolist() == [[1, 300 - patch.y0, 200 - patch.x0]]


def test_what_a_review_drops_is_left_out_and_nothing_takes_its_place(store, table, tmp_path):
    normal = [patch for patch in store.patches if patch.label == "normal"]
    lines = ["image,x0,y0,size_px,label,decision,at"]
    for patch, decision in zip(normal, ("drop", "keep", "unsure", "drop"), strict=False):
        lines.append(f"{patch.image},{patch.x0},{patch.y0},{patch.size_px},{patch.label},{decision},now")
    (tmp_path / "decisions.csv").write_text("\n".join(lines) + "\n")
    reviewed = write_store(tmp_path / "out", "pesapane112", table, seed=7, review=tmp_path / "decisions.csv")
    gone = {normal[0], normal[3]}
    assert reviewed.patches == tuple(patch for patch in store.patches if patch not in gone)
    assert (reviewed.manifest.dropped, reviewed.manifest.dropped_elsewhere) == (2, 0)
    # normal[0] is of the training patient, normal[3] of the one validated on.
    train = write_store(
        tmp_path / "train", "pesapane112", table, seed=7, split="train", review=tmp_path / "decisions.csv"
    )
    assert (train.manifest.dropped, train.manifest.dropped_elsewhere) == (1, 1)
    # With another seed these normal patches do not exist. The store that is there already stays as it is.
    with pytest.raises(UsageError, match=r"decisions\.csv.*found 2 dropped, none of which is among these"):
        write_store(tmp_path / "out", "pesapane112", table, seed=8, review=tmp_path / "decisions.csv")
    assert PatchStore.open(tmp_path / "out").patches == reviewed.patches
    assert not list((tmp_path / "out").glob("*.partial.jsonl"))


def test_a_data_set_without_the_truth_that_is_asked_for(table, tmp_path):
    with pytest.raises(
        UsageError, match="lists clusters, by which mracko674 takes its patches, found none on 6 images"
    ):
        write_store(tmp_path, "mracko674", table)
    with pytest.raises(UsageError, match="expected a protocol: mracko674, cortina224"):
        write_store(tmp_path, "cortina128", table)


def test_an_image_that_cannot_be_read_costs_its_own_patches(small_set, tmp_path):
    shutil.copytree(small_set, tmp_path / "set")
    (tmp_path / "set" / "p1_L_CC.png").write_bytes(b"no image")
    told = []
    store = write_store(
        tmp_path / "out",
        "pesapane112",
        open_data(f"truth:{tmp_path / 'set'}"),
        seed=7,
        on_outcome=lambda *news: told.append(news),
    )
    assert [failure.path for failure in store.manifest.failed] == ["p1_L_CC.png"]
    assert {patch.patient for patch in store.patches} == {"p0", "p2"}
    assert [(done, total) for _, done, total in told] == [(n, 6) for n in range(1, 7)] + [(1, 1)]


def test_where_every_image_is_too_small_it_is_said(tmp_path, toy):
    toy.draw_breast(tmp_path / "a.png", (200, 150))
    truth = '{"schema":"microcalc.truth/1","root":".","images":[{"path":"a.png","calcifications":[{"x":20,"y":90}]}]}'
    (tmp_path / "truth.json").write_text(truth)
    with pytest.raises(
        MicrocalcError, match=r"found none; 1 image failed, such as .*: expected an image of at least 224"
    ):
        write_store(tmp_path / "out", "kahnouei224", open_data(f"truth:{tmp_path}"))
    assert not (tmp_path / "out" / "store.json").exists()


class StoppedError(Exception):
    pass


def interrupted(out, table, after, **how):
    """A run that ends once it has told of ``after`` outcomes."""

    def tell(outcome, done, total):
        nonlocal after
        after -= 1
        if not after:
            raise StoppedError

    with pytest.raises(StoppedError):
        write_store(out, "pesapane112", table, seed=7, on_outcome=tell, **how)


@pytest.mark.parametrize("after", [1, 6, 8])
def test_an_interrupted_run_goes_on(store, table, tmp_path, monkeypatch, after):
    monkeypatch.setattr(cutting, "SHARD_IMAGES", 1)
    interrupted(tmp_path / "out", table, after)
    with pytest.raises(ReadError, match="half written"):
        PatchStore.open(tmp_path / "out")
    told = []
    resumed = write_store(
        tmp_path / "out", "pesapane112", table, seed=7, resume=True, on_outcome=lambda *news: told.append(news[0])
    )
    assert resumed.patches == store.patches
    assert np.array_equal(resumed.pixels(range(18)), store.pixels(range(18)))
    assert sum(isinstance(outcome, ImagePlan) for outcome in told) == max(0, 6 - after)
    assert len(told) == 9 - after  # 6 images and the shards of 3


def test_a_complete_run_is_taken_over(store, table, tmp_path):
    shutil.copytree(store.folder, tmp_path / "out")
    told = []
    again = write_store(
        tmp_path / "out", "pesapane112", table, seed=7, resume=True, on_outcome=lambda *news: told.append(news)
    )
    assert told == []
    assert again.patches == store.patches
    with pytest.raises(UsageError, match="patches seed 7 then, 8 now"):
        write_store(tmp_path / "out", "pesapane112", table, seed=8, resume=True)


def test_a_damaged_store_is_made_anew(store, table, tmp_path):
    shutil.copytree(store.folder, tmp_path / "out")
    (tmp_path / "out" / "shard-0000.npy").unlink()
    again = write_store(tmp_path / "out", "pesapane112", table, seed=7, resume=True)
    assert same(store.folder, again.folder, "run.json")


def test_a_new_store_replaces_the_old_one_and_nothing_else(store, table, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(store.folder, out)
    (out / "decisions.csv").write_text("a person's work")
    (out / "shard-0001.npy").write_text("of a larger store")
    write_store(out, "cortina16", table, seed=7)
    assert (out / "decisions.csv").read_text() == "a person's work"
    assert [name for name in names(out) if name.endswith((".npy", ".html"))] == [
        "contact-calcification.html",
        "contact-normal.html",
        "shard-0000.npy",
    ]
    assert PatchStore.open(out).manifest.protocol == "cortina16"


def test_an_earlier_store_stays_until_its_successor_is_planned(store, table, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(store.folder, out)
    with pytest.raises(StoppedError):
        write_store(out, "cortina16", table, on_outcome=stop)
    assert PatchStore.open(out).patches == store.patches
    resumed = write_store(out, "cortina16", table, resume=True)
    assert same(out, write_store(tmp_path / "anew", "cortina16", table).folder, "run.json")
    assert resumed.manifest.protocol == "cortina16"


def stop(*news):
    raise StoppedError


def test_a_resumed_run_leaves_no_shard_of_images_that_are_gone(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(cutting, "SHARD_IMAGES", 1)
    shutil.copytree(small_set, tmp_path / "set")
    table = open_data(f"truth:{tmp_path / 'set'}")
    interrupted(tmp_path / "out", table, 9)  # all planned and cut, but not described
    (tmp_path / "out" / "shard-0001.npy").rename(tmp_path / "out" / "shard-0007.npy")  # of another number then
    store = write_store(tmp_path / "out", "pesapane112", table, seed=7, resume=True)
    shards = {path.name for path in (tmp_path / "out").glob("shard-*.npy")}
    assert shards == {shard.name for shard in store.manifest.shards}


def test_healthy_patches_come_from_patients_of_whom_no_image_shows_anything(toy, tmp_path):
    images = []
    for name, patient, known in (
        ("a_L.png", "a", {"clusters": [{"bbox": [300, 300, 310, 310]}]}),
        ("a_R.png", "a", {"normal": True}),
        ("b_L.png", "b", {"normal": True}),
        ("c_L.png", None, {"normal": True}),
    ):
        toy.draw_breast(tmp_path / name, (1000, 900))
        images.append({"path": name, "patient": patient, **known})
    truth = {"schema": "microcalc.truth/1", "root": ".", "images": images}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    store = write_store(tmp_path / "out", "mracko674", open_data(f"truth:{tmp_path}"))
    assert [(patch.image, patch.origin) for patch in store.patches] == [
        ("a_L.png", "cluster"),
        ("b_L.png", "healthy"),
        ("c_L.png", "healthy"),
    ]
    assert store.manifest.left_out == {"healthy patches of patients with findings": 1}
