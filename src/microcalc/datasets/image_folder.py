"""A folder of mammograms of which nobody has written anything down: unannotated, or normal all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from microcalc.batch import MakeExecutor
from microcalc.datasets.folders import left_out
from microcalc.datasets.listing import Listing, Options
from microcalc.datasets.own_data import OwnOptions, facts_in, own_record
from microcalc.errors import NotAnImageError, ReadError
from microcalc.imageio import find_images
from microcalc.imageio.tags import code
from microcalc.output import is_own_picture
from microcalc.synthesis.insertion_image import read_header
from microcalc.synthesis.insertion_refusal import refuse_annotated
from microcalc.synthesis.normals import patient_key
from microcalc.truth import Split

#: Characters of a patient's hash: enough to tell a million apart.
_KEY_CHARACTERS = 12


class ImageFolderOptions(Options):
    """Options of folders of images."""

    normal: bool = Field(default=False, description="All of them are known to be free of calcifications.")
    spacing_mm: float | None = Field(default=None, gt=0, description="Pixel spacing where no file states it, mm.")
    split: Split | None = Field(default=None, description="Of all images.")


def read(root: Path, options: ImageFolderOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the images below a folder, whose headers are read; those that cannot be are problems.

    Images are one patient's where :func:`~microcalc.synthesis.normals.patient_key` says so, or where their DICOM
    headers state the same PatientID; patients are named by a hash.

    Raises:
        ReadError: no folder.
        UsageError: images are said to be normal in a folder that holds annotations of calcifications.
    """
    if not root.is_dir():
        raise ReadError(expected="a folder of images", found="a file", do="name the folder", where=root)
    if options.normal:
        refuse_annotated(root)
    of_all = OwnOptions(spacing_mm=options.spacing_mm, split=options.split)
    nothing_said = facts_in({"normal": "yes" if options.normal else ""})
    records, problems = [], []
    paths = [found.path for found in find_images([root]) if not is_own_picture(found.path)]
    for path, patient in _patients(paths, root).items():
        place = path.relative_to(root).as_posix()
        try:
            records.append(own_record(path, place, nothing_said | {"patient": patient}, (), of_all))
        except NotAnImageError:
            continue
        except ReadError as error:
            problems.append(left_out(place, error))
    return Listing(root, tuple(records), tuple(problems))


def _patients(paths: Sequence[Path], root: Path) -> dict[Path, str]:
    """Whose each image is: studies with one PatientID are one patient's, named by the hash of the first of them.

    Where all files state the same PatientID, it stands for nobody, as in careless exports.
    """
    keys = {path: patient_key(path, root)[:_KEY_CHARACTERS] for path in paths}
    ids = {keys[path]: patient for path in paths if (patient := code(read_header(path), "PatientID"))}
    if len(set(ids.values())) < 2:
        return keys
    firsts = {patient: key for key, patient in reversed(ids.items())}
    return {path: firsts[ids[key]] if key in ids else key for path, key in keys.items()}
