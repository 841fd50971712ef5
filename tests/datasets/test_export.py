from pathlib import Path

from microcalc.datasets import Record, Table, open_data
from microcalc.datasets.export import export_truth
from microcalc.truth import ImageTruth, Truth


def test_an_exported_truth_opens_as_data_from_anywhere(tmp_path):
    root = tmp_path / "sets" / "mine"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "a.png").touch()
    table = Table([Record(root / "deep" / "a.png", ImageTruth(path="deep/a.png", patient="p1", split="train"))])
    path = tmp_path / "elsewhere" / "truth.json"
    truth = export_truth(table, root, path)
    assert truth == Truth.from_json(path)
    assert truth.root == "../sets/mine"
    [found] = open_data(f"truth:{path}")
    assert found.path.resolve() == root / "deep" / "a.png"
    assert found.truth == table[0].truth


def test_beside_the_images_the_root_is_the_folder_itself(tmp_path):
    assert export_truth(Table([]), tmp_path, tmp_path / "truth.json").root == Path().as_posix()
