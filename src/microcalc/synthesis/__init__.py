"""Synthetic mammograms with exact truth, made from random numbers alone.

A plain first version: tissue is drawn in two dimensions, view by view (only the outline's depth, the thickness and the
calcium agree between views), for one detector and one vendor's look. ``write_study`` makes a whole study; the pieces,
in order, are :class:`Phantom`, :func:`draw_isolated` and :func:`draw_group` and :func:`acquire`.
"""

from microcalc.synthesis.acquisition import Acquisition, acquire
from microcalc.synthesis.calcification import Speck
from microcalc.synthesis.lesions import draw_group, draw_isolated
from microcalc.synthesis.phantom import Phantom, Tissue
from microcalc.synthesis.study import write_study
from microcalc.synthesis.visibility import matched_filter_snr

__all__ = [
    "Acquisition",
    "Phantom",
    "Speck",
    "Tissue",
    "acquire",
    "draw_group",
    "draw_isolated",
    "matched_filter_snr",
    "write_study",
]
