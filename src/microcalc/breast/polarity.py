"""Polarity: whether air is dark, as it must be."""

from __future__ import annotations

import dataclasses

import numpy as np

from microcalc.breast.overview import Overview
from microcalc.mammogram import Mammogram

#: The part of the field's rim that must be flat and bright before an image is taken for inverted.
BRIGHT_RIM = 0.15
#: ... and so many times as much of it as is flat and dark.
DOMINANT = 1.4


def mend_polarity(mammogram: Mammogram) -> Mammogram:
    """The same mammogram, or its inverse with a warning, where the picture shows a bright background.

    Air is flat and tissue is not: the flat part of the picture's rim tells how bright air is. Where the evidence is not
    clear, the image stays as it is.
    """
    overview = Overview.of(mammogram.pixels)
    if overview.blank or not _air_is_bright(overview):
        return mammogram
    return dataclasses.replace(
        mammogram,
        pixels=np.float32(1) - mammogram.pixels,
        warnings=(*mammogram.warnings, "the background was bright: the picture was inverted"),
    )


def _air_is_bright(overview: Overview) -> bool:
    levels, _, rim = overview.flat_rim()
    bright = int(np.count_nonzero(levels > overview.middle))
    return bright >= BRIGHT_RIM * rim and bright > DOMINANT * (levels.size - bright)
