"""The benchmark of networks on patches, from packages to a page; the networks are made up."""

import csv
import json
from types import SimpleNamespace

import pytest

from microcalc.benchmark import patch_job
from microcalc.benchmark.patch_job import Asking, PatchOptions, compare_networks
from microcalc.benchmark.patch_page import tables
from microcalc.benchmark.patch_records import PatchBenchmark
from microcalc.errors import UsageError


@pytest.fixture(scope="module")
def packages(patch_toys):
    """Path of a package -> what stands for it."""
    recipe = patch_toys.recipe()
    training = SimpleNamespace(data="toys", epochs=2, patches=336, seconds=3.0)
    card = SimpleNamespace(
        name=recipe.name, version="1", kind=recipe.kind, recipe=recipe.as_written(), training=training
    )
    return {path: SimpleNamespace(card=card, sha256="0" * 64, mapping=path == "maps") for path in ("maps", "none")}


@pytest.fixture(scope="module")
def made(packages, patch_toys, tmp_path_factory):
    """(folder, result, what was told)"""
    folder, told = tmp_path_factory.mktemp("made"), []
    patch_toys.write_store(folder / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patch_job, "load_package", packages.__getitem__)
        patch.setattr(patch_job, "open_network", lambda of, *_: patch_toys.network(mapping=of.mapping))
        options = PatchOptions(("maps", "other=none"), draws=100)
        result = compare_networks(folder / "store", folder, options, on_asked=lambda *it: told.append(it))
    return folder, result, told


def test_every_network_has_its_numbers(made):
    _, result, _ = made
    first, second = result.networks
    assert (first.name, second.name) == ("terrassin2024-mutmus-unet3plus", "other")
    assert [one.target for one in first.outlined] == ["benign", "malignant"]
    assert not second.outlined
    assert second.differences["malignant"].difference.value == 0.0
    assert not first.differences
    assert result.counts == {"normal": 1, "benign": 2, "malignant": 2}
    assert (result.patients, result.resample) == (2, "patient")


def test_the_papers_rows_stand_beside(made):
    _, result, _ = made
    printed = {(row.place, row.measure, row.target, row.data): row.printed for row in result.networks[0].published}
    # Tables 2 to 4 of the paper, as printed.
    assert printed["Table 2", "roc_auc", "malignant", "BMCD"] == "0.93"
    assert printed["Table 3", "roc_auc", "calcification", "INbreast"] == "0.90"
    assert printed["Table 4", "precision", "benign", "BMCD"] == "0.18"


def test_what_is_to_be_known_comes_first(made):
    _, result, _ = made
    assert "phantoms" in result.remarks[0]
    # 11,500,000 patches of the paper over 336.
    assert "one in 34,226 of the patches" in result.remarks[1]


def test_the_files(made):
    folder, result, _ = made
    assert PatchBenchmark.from_json(folder / "benchmark.json") == result
    rows = list(csv.DictReader((folder / "networks.csv").open()))
    dice = [row["value"] for row in rows if (row["measure"], row["target"]) == ("dice", "malignant")]
    assert [float(value) for value in dice] == [0.75, 0.875]
    page = (folder / "benchmark.html").read_text()
    assert "0.90 / 0.94" in page  # validation and test, as the paper prints them
    assert all(
        text in page for text in ("Table 2", "Table 3", "Table 4", "input.size_px=32 (512)", "not a medical device")
    )
    assert "://" not in page
    assert str(folder) not in page
    assert json.loads((folder / "run.json").read_text())["settings"]["split"] == "test"


def test_tables_are_called_the_papers_only_where_it_prints_a_network_of_them(made):
    _, result, _ = made
    one, other = result.networks
    assert list(tables(result)) == ["Networks (Table 2 of the paper)", "Ablations (Table 3 of the paper)"]
    unprinted = [it.model_copy(update={"published": ()}) for it in (one, other)]
    assert tables(result.model_copy(update={"networks": unprinted})) == {"Networks": unprinted}
    mixed = tables(result.model_copy(update={"networks": [unprinted[1], one]}))
    assert mixed["Networks (Table 2 of the paper)"] == [unprinted[1], one]


def test_progress_is_over_all_networks(made):
    *_, told = made
    assert told == [(Asking("terrassin2024-mutmus-unet3plus", 5), 5, 10), (Asking("other", 5), 10, 10)]


def test_patches_of_another_size_or_side_are_refused(packages, patch_toys, tmp_path, monkeypatch):
    patch_toys.write_store(tmp_path, split="train")
    monkeypatch.setattr(patch_job, "load_package", packages.__getitem__)
    monkeypatch.setattr(patch_job, "open_network", lambda *_: patch_toys.network())
    with pytest.raises(UsageError, match=r"side test.*found none.*--split"):
        compare_networks(tmp_path, tmp_path, PatchOptions(("maps",)))
    other = patch_toys.network()
    other.recipe = patch_toys.recipe().with_changes({"input": {"size_px": 64}})
    monkeypatch.setattr(patch_job, "open_network", lambda *_: other)
    with pytest.raises(UsageError, match=r"patches of 64 px.*found patches of 32 px"):
        compare_networks(tmp_path, tmp_path, PatchOptions(("maps",)))


def test_two_of_one_name_are_refused(packages, tmp_path, patch_toys, monkeypatch):
    patch_toys.write_store(tmp_path)
    monkeypatch.setattr(patch_job, "load_package", packages.__getitem__)
    with pytest.raises(UsageError, match="twice"):
        compare_networks(tmp_path, tmp_path, PatchOptions(("maps", "none")))
