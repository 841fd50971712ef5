"""Packages: what is written is loaded, and everything else is refused before it is used."""

import hashlib
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save

from microcalc.errors import ReadError, UsageError
from microcalc.models import PACKAGES, Card, container, load_package, write_package
from microcalc.models import package as module


def zipped(package, path, prefix="", compression=zipfile.ZIP_DEFLATED):
    """The package's files in a zip."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(package.path.iterdir()):
            archive.write(file, prefix + file.name)
    return path


def refuses(path, *found):
    with pytest.raises(ReadError) as error:
        load_package(path)
    for part in found:
        assert part in str(error.value)
    assert str(error.value).startswith(f"{path}")
    assert "\n" not in str(error.value)


def test_the_packages_that_come_along():
    folders = sorted(path.name for path in module._FOLDER.iterdir()) if module._FOLDER.is_dir() else []
    assert sorted(PACKAGES) == folders
    for name, kind in PACKAGES.items():
        package = load_package(name)
        assert (package.card.name, package.card.kind) == (name, kind)


def test_their_names_cost_nothing():
    code = "import sys, microcalc.models; print({'numpy', 'pydantic', 'yaml'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_what_is_written_is_loaded(package, card, arrays):
    loaded = load_package(str(package.path))
    assert loaded == package
    assert loaded.card.model_copy(update={"files": {}}) == card
    assert loaded.sha256 == hashlib.sha256((package.path / "card.yaml").read_bytes()).hexdigest()
    assert loaded.card.files["plateau.csv"] == hashlib.sha256(b"1,2\n").hexdigest()
    found = loaded.arrays("weights.safetensors")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("prefix", ["", "cortina2022-cascade/"], ids=["its files", "its folder"])
def test_a_zip_is_the_same_package(package, tmp_path, prefix):
    loaded = load_package(zipped(package, tmp_path / "package.zip", prefix))
    assert (loaded.card, loaded.sha256) == (package.card, package.sha256)
    assert loaded.read("plateau.csv") == b"1,2\n"
    assert sorted(tmp_path.iterdir()) == [package.path, tmp_path / "package.zip"]  # nothing is unpacked


def test_a_package_goes_to_another_process(package):
    assert pickle.loads(pickle.dumps(package)) == package


def test_a_name_stands_for_the_package_that_comes_along(package, monkeypatch):
    monkeypatch.setattr(module, "_FOLDER", package.path.parent)
    monkeypatch.setitem(PACKAGES, "package", "cascade")
    assert load_package("package") == package
    for name in set(PACKAGES) - {"package"}:
        monkeypatch.delitem(PACKAGES, name)
    assert load_package("cascade") == package  # the first of its kind


def test_a_package_that_does_not_exist(monkeypatch):
    monkeypatch.setitem(PACKAGES, "cortina2022-cascade", "cascade")
    with pytest.raises(UsageError, match=r"out of .*cortina2022-cascade, .*or a folder with card.* found 'cortina'"):
        load_package("cortina")


def test_a_file_that_is_not_listed_is_not_read(package):
    with pytest.raises(UsageError, match=r"found 'card\.json'"):
        package.read("card.json")


# What is wrong with a folder.


def test_no_card(package):
    (package.path / "card.yaml").unlink()
    refuses(package.path, "expected card.yaml in a model package, found plateau.csv, weights.safetensors")


def test_a_missing_file(package):
    (package.path / "weights.safetensors").unlink()
    refuses(package.path, "found weights.safetensors is missing")


def test_another_file(package):
    (package.path / "weights.pkl").write_bytes(pickle.dumps(1))
    refuses(package.path, "found weights.pkl is not listed")


def test_another_content(package):
    """SHA-256 of no bytes is e3b0c44298fc..., as everybody knows."""
    (package.path / "weights.safetensors").write_bytes(b"")
    refuses(package.path, "expected weights.safetensors as its card lists it", "found SHA-256 e3b0c44298fc...")


def test_another_content_after_loading(package):
    (package.path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ReadError, match=r"found SHA-256 e3b0c44298fc\.\.\."):
        package.arrays("weights.safetensors")


def test_a_link_out(package, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"1,2\n")  # even with the right content
    (package.path / "plateau.csv").unlink()
    (package.path / "plateau.csv").symlink_to(secret)
    refuses(package.path, "found a link, plateau.csv")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file(package, make):
    make(package.path / "more.csv")
    refuses(package.path, "found a folder or the like, more.csv")


def test_a_card_that_lists_nothing(package):
    for name in package.card.files:
        (package.path / name).unlink()
    (package.path / "card.yaml").write_text(package.card.model_copy(update={"files": {}}).to_yaml())
    refuses(package.path, "expected the files that card.yaml lists and no others: at least one, found none listed")


def test_a_card_for_a_newer_version(package):
    card = package.path / "card.yaml"
    card.write_text(card.read_text().replace("microcalc.package/1", "microcalc.package/2"))
    refuses(card.parent, "card.yaml: expected a card with schema: microcalc.package/1", "update microcalc")


def test_a_card_of_endless_length(package):
    with (package.path / "card.yaml").open("a") as file:
        file.write("#" * 2**20)
    refuses(package.path, "expected a card.yaml of 1048576 bytes at most")


def test_more_than_a_package_may_hold(package, monkeypatch):
    monkeypatch.setattr(container, "MAX_BYTES", 2**10)
    refuses(package.path, "expected a package of 0 MB at most")


# What is wrong with a zip.


def test_what_is_no_zip(tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(b"PK, or so it says")
    refuses(path, "expected a model package: a folder with card.yaml, or a zip of one, found File is not a zip file")


def test_a_zip_cut_short(package, tmp_path):
    path = zipped(package, tmp_path / "package.zip")
    path.write_bytes(path.read_bytes()[:-30])
    refuses(path, "found File is not a zip file")


def test_a_damaged_zip(package, tmp_path):
    path = zipped(package, tmp_path / "package.zip", compression=zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1,2\n", b"1,3\n"))
    refuses(path, "Bad CRC-32")


@pytest.mark.parametrize("name", ["../../outside.csv", "/etc/outside.csv", "..\\outside.csv", "C:\\outside.csv"])
def test_a_zip_that_points_out(package, tmp_path, name):
    path = zipped(package, tmp_path / "package.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"1")
    refuses(path, f"found {name} is not listed")
    assert not list(tmp_path.parent.rglob("*outside.csv"))


def test_a_name_that_would_write_on_the_terminal(package, tmp_path):
    path = zipped(package, tmp_path / "package.zip")
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(7):
            archive.writestr(f"\x1b[2J{number}.csv", b"1")
    refuses(path, "?[2J0.csv is not listed, ", "?[2J4.csv is not listed and 2 more;")


def test_a_zip_with_two_cards(package, tmp_path):
    path = zipped(package, tmp_path / "package.zip")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.write(package.path / "card.yaml", "card.yaml")
    refuses(path, "found a name twice")


def test_a_zip_with_a_file_beside_its_folder(package, tmp_path):
    """In the folder that was zipped, and outside it: one name would stand for two files."""
    path = zipped(package, tmp_path / "package.zip", "cortina2022-cascade/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("plateau.csv", b"1,2\n")
    refuses(path, "found a name twice")


def test_a_zip_packed_in_a_rare_way(package, tmp_path):
    path = zipped(package, tmp_path / "package.zip", compression=zipfile.ZIP_LZMA)
    refuses(path, "expected a zip that is stored or deflated")


def test_a_zip_with_a_package_in_a_package(package, tmp_path):
    path = zipped(package, tmp_path / "package.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(package.path / "card.yaml", "inner/card.yaml")
    refuses(path, "found inner/card.yaml is not listed")


def test_a_zip_bomb(package, tmp_path):
    """20 MB of zeros take 20 kB: a thousandfold."""
    path = zipped(package, tmp_path / "package.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", bytes(20_000_000))
    refuses(path, "expected a package of", "MB at most, unpacked, found 19 MB")


def test_an_encrypted_zip(package, tmp_path):
    """The bit that says so is the first of the flags, 6 bytes into a local header, 8 into a central one."""
    path = zipped(package, tmp_path / "package.zip")
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(signature, at + 1)
    path.write_bytes(content)
    refuses(path, "expected a zip that is stored or deflated, and not encrypted")


# Nothing is unpickled.


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_that_calls_itself_safetensors(card, tmp_path):
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    package = write_package(tmp_path / "package", card, {"weights.safetensors": trap})
    with pytest.raises(ReadError, match=r"expected arrays as safetensors in weights\.safetensors"):
        package.arrays("weights.safetensors")
    assert not (tmp_path / "sprung").exists()


def test_a_type_that_numpy_does_not_have(card, tmp_path):
    """bfloat16, by hand: eight bytes of header length, the header, one number of two bytes."""
    header = b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    content = len(header).to_bytes(8, "little") + header + bytes(2)
    package = write_package(tmp_path / "package", card, {"weights.safetensors": content})
    with pytest.raises(ReadError, match=r"expected arrays as safetensors in weights\.safetensors, found .*B?F16"):
        package.arrays("weights.safetensors")


# Writing.


def test_a_package_is_replaced_and_its_files_may_lie_elsewhere(package, card, tmp_path):
    source = tmp_path / "new.safetensors"
    source.write_bytes(save({"a": np.ones(2)}))
    files = {"weights.safetensors": source, "plateau.csv": b"3,4\n"}
    again = write_package(package.path, card, files)
    np.testing.assert_array_equal(again.arrays("weights.safetensors")["a"], [1, 1])
    assert again.sha256 != package.sha256


def test_the_same_files_give_the_same_package(package, card, arrays, tmp_path):
    files = {"plateau.csv": b"1,2\n", "weights.safetensors": save(arrays)}  # in another order
    assert write_package(tmp_path / "again", card, files).sha256 == package.sha256


def test_a_package_of_no_files(card, tmp_path):
    with pytest.raises(UsageError, match="expected files of a package, found none"):
        write_package(tmp_path / "package", card, {})
    assert not (tmp_path / "package").exists()


@pytest.mark.parametrize("name", ["weights.pkl", "../weights.onnx", "deep/weights.onnx", "card.yaml", "weights"])
def test_a_name_that_a_package_cannot_hold(card, tmp_path, name):
    with pytest.raises(UsageError, match="expected names of files that a package may hold"):
        write_package(tmp_path / "package", card, {name: b"1"})
    assert not (tmp_path / "package").exists()


def test_a_folder_of_something_else(card, tmp_path):
    (tmp_path / "thesis.txt").write_text("do not touch")
    with pytest.raises(UsageError, match=r"expected a new or an empty folder for a package, found thesis\.txt"):
        write_package(tmp_path, card, {"weights.safetensors": b"1"})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_to_copy_that_is_not_there(card, tmp_path):
    with pytest.raises(ReadError, match=r"nothing\.csv: expected a file for the package, found No such file"):
        write_package(tmp_path / "package", card, {"plateau.csv": tmp_path / "nothing.csv"})


def test_a_package_half_written_is_none(package, card, monkeypatch):
    """The card goes first and comes last: what breaks off in between is never taken for a package."""

    def breaks_off(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "replacing", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        write_package(package.path, card, {"weights.safetensors": b"1", "plateau.csv": b"2"})
    refuses(package.path, "expected card.yaml in a model package")


def test_the_card_is_the_one_that_was_checked(package):
    assert Card.from_yaml((package.path / "card.yaml").read_bytes(), "card.yaml") == package.card
