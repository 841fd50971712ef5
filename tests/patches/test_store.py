import json
import pickle

import numpy as np
import pytest

from microcalc.errors import ReadError, UsageError
from microcalc.patches.patch import Patch
from microcalc.patches.store import WHITE, Manifest, PatchStore, Shard, write_rows


def manifest(**changed):
    known = {
        "microcalc": "0.1.0",
        "protocol": "toy",
        "paper": "none",
        "size_px": 2,
        "spacing_mm": None,
        "labels": ("normal", "benign", "malignant"),
        "channels": ("benign", "malignant"),
        "seed": 0,
        "split": None,
        "images": 2,
        "counts": {"none": {"normal": 2, "benign": 1, "malignant": 0}},
        "shards": (Shard(name="shard-0000.npy", patches=2), Shard(name="shard-0001.npy", patches=1)),
        "left_out": {},
        "balanced_out": 0,
        "spacing_assumed": 0,
        "dropped": 0,
        "failed": (),
        "notes": (),
    }
    return Manifest(**known | changed)


PATCHES = (
    Patch("a.png", 0, 0, 2, "normal", "grid", "train", "p1"),
    Patch("a.png", 2, 0, 2, "benign", "lesion", "train", "p1"),
    Patch('b, "c".png', 0, 5, 2, "normal", "grid"),
)
PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 2, 2)
CLASSES = np.array([[[0, 0], [0, 0]], [[1, 2], [0, 1]], [[0, 0], [2, 0]]], np.uint8)


@pytest.fixture
def folder(tmp_path):
    for kind, values in (("shard", PIXELS), ("mask", CLASSES)):
        np.save(tmp_path / f"{kind}-0000.npy", values[:2])
        np.save(tmp_path / f"{kind}-0001.npy", values[2:])
    write_rows(tmp_path / "patches.csv", PATCHES)
    (tmp_path / "store.json").write_text(manifest().to_json())
    return tmp_path


def test_what_was_written_is_read(folder):
    store = PatchStore.open(folder)
    assert store.patches == PATCHES
    assert len(store) == 3
    assert store.labels.tolist() == [0, 1, 0]
    assert store.pixels(range(3)).tolist() == PIXELS.tolist()
    assert store.pixels(range(3)).dtype == np.uint16


def test_any_order_across_shards_and_twice(folder):
    store = PatchStore.open(folder)
    assert store.pixels([2, 0, 2, 1]).tolist() == PIXELS[[2, 0, 2, 1]].tolist()
    assert store.pixels([]).shape == (0, 2, 2)


def test_masks_have_a_channel_for_each_label_that_is_outlined(folder):
    masks = PatchStore.open(folder).masks([1, 2])
    assert masks.shape == (2, 2, 2, 2)
    assert masks[0, 0].tolist() == [[True, False], [False, True]]  # benign
    assert masks[0, 1].tolist() == [[False, True], [False, False]]  # malignant
    assert masks[1].sum(axis=(1, 2)).tolist() == [0, 1]


def test_a_protocol_without_masks_has_none(folder):
    (folder / "store.json").write_text(manifest(channels=()).to_json())
    assert PatchStore.open(folder).masks([0]) is None


def test_pixels_are_copies(folder):
    store = PatchStore.open(folder)
    store.pixels([0])[:] = WHITE
    assert store.pixels([0]).max() < WHITE


def test_a_store_may_be_pickled(folder):
    store = PatchStore.open(folder)
    store.pixels([0])
    again = pickle.loads(pickle.dumps(store))
    assert again.patches == store.patches
    assert again.pixels([2]).tolist() == PIXELS[[2]].tolist()


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_without_a_patch_is_refused(folder, index):
    with pytest.raises(UsageError, match=f"expected indices of patches, 0 to 2, found {index} to {index}"):
        PatchStore.open(folder).pixels([index])


def test_no_store(tmp_path):
    with pytest.raises(ReadError, match=r"expected a store of patches \(store.json\), found none; check the path"):
        PatchStore.open(tmp_path / "nowhere")


def test_a_half_written_store_is_told_from_none(folder):
    (folder / "store.json").unlink()
    (folder / "plans.partial.jsonl").write_text("{}\n")
    with pytest.raises(
        ReadError, match=r"found one half written; finish it with `microcalc data patches` and --resume"
    ):
        PatchStore.open(folder)


def test_damage_is_named(folder):
    (folder / "shard-0001.npy").write_bytes((folder / "shard-0001.npy").read_bytes()[:-2])
    with pytest.raises(ReadError, match=r"shard-0001\.npy: expected a part of a whole store"):
        PatchStore.open(folder)
    np.save(folder / "shard-0001.npy", PIXELS)
    with pytest.raises(ReadError, match=r"shard-0001\.npy.*shape \(3, 2, 2\) in place of \(1, 2, 2\)"):
        PatchStore.open(folder)
    (folder / "shard-0001.npy").unlink()
    with pytest.raises(ReadError, match=r"shard-0001\.npy.*No such file"):
        PatchStore.open(folder)


def test_masks_are_checked_as_well(folder):
    (folder / "mask-0000.npy").unlink()
    with pytest.raises(ReadError, match=r"mask-0000\.npy.*No such file"):
        PatchStore.open(folder)


def test_rows_must_be_those_of_the_manifest(folder):
    write_rows(folder / "patches.csv", PATCHES[:2])
    with pytest.raises(ReadError, match=r"patches\.csv.*found 2 rows.*the 3 patches of store.json"):
        PatchStore.open(folder)
    (folder / "patches.csv").write_text("image,x0\na.png,0\n")
    with pytest.raises(ReadError, match=r"patches\.csv.*a row that is none \(KeyError\)"):
        PatchStore.open(folder)


def test_a_manifest_of_another_schema_is_refused(folder):
    other = json.loads(manifest().to_json()) | {"schema": "microcalc.patches/2"}
    (folder / "store.json").write_text(json.dumps(other))
    with pytest.raises(ReadError, match=r"store\.json: expected a file of microcalc.patches/1"):
        PatchStore.open(folder)


def test_a_patch_knows_its_key_and_its_box():
    patch = Patch("a/b.png", 3, 7, 16, "normal", "grid")
    assert patch.key == "a/b.png@3,7,16"
    assert patch.box == (2.5, 6.5, 18.5, 22.5)
