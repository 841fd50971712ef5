"""Synthetic mammograms with exact truth, made from random numbers alone or on a user's own normal mammograms.

:func:`plan_studies` (or :func:`plan_insertions`) says what to draw and :func:`synthesize` draws it into a folder;
:func:`write_study` does both for one patient. The pieces, in the order of the journey: :class:`Phantom` (tissue),
:func:`draw_lesions` (calcium), :class:`Device` (blur, noise, look), :func:`draw_confusers`, :func:`acquire`, and
:func:`draw_study`, which joins them.

Where to find what:

- tissue: ``phantom``, of ``outline`` and ``texture``
- calcium: ``calcification`` of ``solids``; ``lesions``, by ``odds`` and ``distributions``; ``visibility``
- picture: ``device`` and its ``look``; ``confusers`` of ``confuser_*``, each a ``stamp``; ``acquisition``; ``dicom``
- study: ``study``, ``annotation``, ``plans``
- on real normals: ``normals``, of ``insertion`` and ``insertion_*``
- sets: ``generate``, ``layouts`` of ``layout_*``, ``bench``
- training patches: ``bank`` of ``bank_*``
"""

from microcalc.synthesis.acquisition import acquire, measure_snr
from microcalc.synthesis.calcification import Speck
from microcalc.synthesis.confusers import draw_confusers
from microcalc.synthesis.device import DEVICES, Device, draw_device
from microcalc.synthesis.generate import StudyRecord, plan_studies, synthesize, write_study
from microcalc.synthesis.lesions import Difficulty, Lesion, draw_lesions
from microcalc.synthesis.normals import InsertionPlan, plan_insertions
from microcalc.synthesis.phantom import Phantom, Tissue
from microcalc.synthesis.study import Picture, StudyPlan, draw_study
from microcalc.synthesis.visibility import matched_filter_snr

__all__ = [
    "DEVICES",
    "Device",
    "Difficulty",
    "InsertionPlan",
    "Lesion",
    "Phantom",
    "Picture",
    "Speck",
    "StudyPlan",
    "StudyRecord",
    "Tissue",
    "acquire",
    "draw_confusers",
    "draw_device",
    "draw_lesions",
    "draw_study",
    "matched_filter_snr",
    "measure_snr",
    "plan_insertions",
    "plan_studies",
    "synthesize",
    "write_study",
]
