"""The image files of CBIS-DDSM, by the case they belong to, in every tree that the set is handed out in."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from microcalc.datasets.cbis_ddsm_cases import CASE, Abnormality, Case

_SUFFIXES = (".dcm", ".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Files:
    """Image files below a root: by case, where a folder above them is called so, else by the folder they lie in.

    The trees of The Cancer Imaging Archive, old and new, begin with a folder for each case. The copy in JPEG on Kaggle
    has one folder for each series, called by its UID.
    """

    by_case: Mapping[str, tuple[Path, ...]]
    by_series: Mapping[str, tuple[Path, ...]]

    @classmethod
    def below(cls, root: Path) -> Files:
        """One walk over all folders; nothing is opened."""
        by_case: dict[str, list[Path]] = defaultdict(list)
        by_series: dict[str, list[Path]] = defaultdict(list)
        for folder, folders, names in os.walk(root):
            folders.sort()
            here = Path(folder)
            images = [here / name for name in sorted(names) if _is_image(name)]
            case = next((part for part in reversed(here.relative_to(root).parts) if CASE.fullmatch(part)), None)
            if case:
                by_case[case] += images
            else:
                by_series[here.name] += images
        return cls(*({key: tuple(paths) for key, paths in found.items() if paths} for found in (by_case, by_series)))

    def of_image(self, case: Case) -> tuple[Path, ...]:
        """One file, where the download is whole and there is one download."""
        return self.by_case.get(case.name) or self.by_series.get(case.series, ())

    def of_abnormality(self, abnormality: Abnormality) -> tuple[Path, ...]:
        """Mask and crop, in no order that tells them apart."""
        return self.by_case.get(abnormality.case) or tuple(
            path for series in abnormality.series for path in self.by_series.get(series, ())
        )


def _is_image(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")
