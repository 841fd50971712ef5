"""The bank: rendered mammograms kept before noise and processing, from which training patches are drawn.

Rendering a view and casting calcifications take seconds; what comes after (calcium, noise, the device's look) is drawn
anew for every patch. A view takes 10 to 60 MB on disk by its pixel pitch, and about 1 MB of memory: windows are read as
they are asked for. Banks are made of phantoms; a user's own normal images would be another kind of view.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from microcalc.batch import MakeExecutor, work
from microcalc.errors import UsageError, WriteError
from microcalc.findings import Document
from microcalc.mammogram import Side
from microcalc.output import replacing
from microcalc.synthesis.acquisition import reference_attenuation
from microcalc.synthesis.annotation import Sight
from microcalc.synthesis.bank_draw import draw_patch
from microcalc.synthesis.bank_view import (
    EDGES,
    SPOTS,
    TISSUE,
    BankView,
    PooledShadow,
    ViewRecord,
    find_sites,
    kept_region,
    open_view,
    write_view,
)
from microcalc.synthesis.calcification import Speck, cast_shadow, place_px
from microcalc.synthesis.confusers import draw_confusers
from microcalc.synthesis.device import Device
from microcalc.synthesis.lesions import Lesion, draw_lesions
from microcalc.synthesis.phantom import Density, Phantom
from microcalc.synthesis.plans import VERSIONS, check, key_of
from microcalc.synthesis.study import SIDES, VIEWS, StudyPlan, draw_unit

_INDEX = "bank.json"
#: How often the calcium of a breast is drawn for the pool: each draw holds several lesions.
POOL_DRAWS = 4
#: Shares of patches, with calcium and without, at edges and confusers, and at bright spots of the tissue.
EDGE_SHARE, SPOT_SHARE = 0.35, 0.1
#: Views that stay open: each takes about 1 MB of memory and a file handle, of which systems give some 1000.
_MOST_OPEN = 400


#: Indices into ``SITES``.
_Group = tuple[int, ...]


class BankIndex(Document):
    """``bank.json``: what the bank was made with, and its views."""

    schema_: Literal["microcalc.bank/1"] = Field(default="microcalc.bank/1", alias="schema")
    versions: dict[str, str] = Field(default_factory=VERSIONS.copy)
    views: tuple[ViewRecord, ...] = ()


@dataclass(frozen=True)
class _Task:
    """One breast to render: all that a worker process needs to know."""

    folder: Path
    plan: StudyPlan
    side: Side


@dataclass(frozen=True, eq=False)
class Draws:
    """``n`` patches and what is known about them.

    Every patch has the left breast's orientation, chest wall to the left.
    """

    #: (n, rows, columns) float32 in 0..1, on the scale of ``wide_area``.
    patches: NDArray[np.float32]
    #: (n, rows, columns) where they show breast.
    breast: NDArray[np.bool_]
    #: (n, rows, columns) int8: 0 no calcium, 1 benign, 2 malignant, -1 calcium to ignore: typically benign, over
    #: 1 mm, or of an SNR below ``VISIBLE``.
    mask: NDArray[np.int8]
    #: (n,) int8: 0 no calcium at all, 1 benign, 2 malignant, -1 calcium that cannot be seen and nothing else. What is
    #: typically benign or over 1 mm counts as what it is.
    labels: NDArray[np.int8]
    #: Per patch (k, 3): x, y in pixels of the patch, SNR; of every calcification whose middle is in the patch. NaN:
    #: not asked of a detector, whatever its SNR.
    truth: tuple[NDArray[np.float32], ...]
    #: (n,) mm: that asked for, or the device's own where that is coarser (images are never enlarged).
    spacing_mm: NDArray[np.float64]
    #: (n,) what the patch was taken at: indices into ``SITES``.
    sites: NDArray[np.int8]
    #: (n,) index of the bank's view, and (n, 2) the row and column in it where the patch begins.
    views: NDArray[np.int64]
    corners: NDArray[np.int64]


def build_bank(
    folder: Path,
    plans: Sequence[StudyPlan],
    *,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_breast: Callable[[int, int], None] | None = None,
) -> Bank:
    """Render the four views of every plan into a folder.

    Calcium is pooled of every breast, also where a plan says ``normal``. A plan's device gives the pixel pitch and the
    kind of unit; blur, noise and look of that kind are drawn anew for every patch.

    Args:
        folder: made where missing.
        plans: patients; keep those of training apart from those that models are validated and tested on.
        make_executor: makes a pool of processes; None: one after the other, here.
        resume: keep the breasts that an earlier call has finished.
        on_breast: called with the number of breasts finished and of all.

    Raises:
        UsageError: no plans; a plan with a field too small for a breast; the folder holds a bank (not with ``resume``),
            or one made by another version.
        WriteError: the folder cannot be written, or the disk is full; finished breasts are kept.
    """
    check(len(plans) > 0, "plans to render", "none", "give one at least")
    index = _begun(folder, resume)
    tasks = [_Task(folder, plan, side) for plan in plans for side in SIDES]
    done = {(record.plan, record.side) for record in index.views}
    left = [task for task in tasks if (_key(task.plan), task.side) not in done]
    for _, records in work(left, _keep_breast, _died, make_executor):
        index = index.model_copy(update={"views": (*index.views, *records)})
        _write_index(folder, index)
        if on_breast:
            on_breast(len(index.views) // len(VIEWS), len(tasks))
    # In the order of the plans, whatever the order of finishing: equal draws from equal banks.
    place = {(_key(task.plan), task.side): number for number, task in enumerate(tasks)}
    views = sorted((r for r in index.views if (r.plan, r.side) in place), key=lambda r: place[r.plan, r.side])
    _write_index(folder, index.model_copy(update={"views": tuple(views)}))
    return Bank(folder)


class Bank:
    """An opened bank.

    Args:
        folder: one that :func:`build_bank` wrote.

    Raises:
        ReadError: there is no bank, or its index is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.index = BankIndex.from_json(folder / _INDEX)
        self._opened = functools.lru_cache(_MOST_OPEN)(self._open)
        self._alike: dict[float, list[int]] = {}
        for number, record in enumerate(self.index.views):
            if record.pooled:
                self._alike.setdefault(record.spacing_mm, []).append(number)

    def __reduce__(self) -> tuple[type[Bank], tuple[Path]]:
        # Workers open the bank themselves: memory maps would travel as copies.
        return Bank, (self._folder,)

    def view(self, number: int) -> BankView:
        """One of ``index.views``, opened."""
        return self._opened(number)

    def draw(
        self,
        rng: np.random.Generator,
        n: int,
        *,
        size_px: int = 96,
        spacing_mm: float = 0.07,
        positive_share: float = 0.5,
    ) -> Draws:
        """Draw patches; equal states of ``rng`` give equal patches.

        ``EDGE_SHARE`` of the patches, with calcium and without, lie at edges (skin, muscle, chest wall) and confusers,
        ``SPOT_SHARE`` at bright spots. A lesion of the pool may land on any view of its pixel pitch, anywhere in the
        breast: what is around calcium tells nothing about it. Lesions are drawn until one shows a speck of an SNR of
        ``FAINT`` or more, or one to ignore by its kind or size; of what can be seen, at most one in ``FAINT_ONE_IN`` is
        fainter.

        Args:
            rng: where the randomness comes from.
            n: how many.
            size_px: side of the patches.
            spacing_mm: pixel pitch of the patches; images coarser than that keep their own.
            positive_share: of the patches that are to hold calcium. Where the dial leaves next to nothing to be seen,
                some of them hold none.

        Raises:
            UsageError: arguments out of range, patches larger than a breast, or a pool without calcium.
            ReadError: a file of the bank is missing or damaged.
        """
        if n < 1 or size_px < 1 or not spacing_mm > 0 or not 0 <= positive_share <= 1:
            raise UsageError(
                expected="a number and a size of 1 or more, a pixel pitch above 0 mm, a share in 0..1",
                found=f"n {n}, size_px {size_px}, spacing_mm {spacing_mm}, positive_share {positive_share}",
                do="choose others",
            )
        positive, groups = _shares(rng, n, positive_share)
        numbers = rng.integers(len(self.index.views), size=n)
        sites = [_choose_site(self.view(number), group, rng) for number, group in zip(numbers, groups, strict=True)]
        drawn = [
            draw_patch(
                self.view(number),
                self._lesions(number, rng) if calcium else None,
                site,
                size_px=size_px,
                spacing_mm=spacing_mm,
                rng=rng,
            )
            for number, site, calcium in zip(numbers, sites, positive, strict=True)
        ]
        return Draws(
            np.stack([patch.pixels for patch in drawn]),
            np.stack([patch.breast for patch in drawn]),
            np.stack([patch.mask for patch in drawn]),
            np.array([patch.label for patch in drawn], np.int8),
            tuple(patch.truth for patch in drawn),
            np.array([patch.spacing_mm for patch in drawn]),
            np.array([self.view(number).kinds[site] for number, site in zip(numbers, sites, strict=True)], np.int8),
            numbers,
            np.array([patch.corner for patch in drawn]),
        )

    def _open(self, number: int) -> BankView:
        return open_view(self._folder, self.index.views[number])

    def _lesions(self, number: int, rng: np.random.Generator) -> BankView:
        """A view whose pool has shadows of the same pixel pitch."""
        spacing_mm = self.index.views[number].spacing_mm
        alike = self._alike.get(spacing_mm, [])
        check(len(alike) > 0, "a bank with calcium", f"none at {spacing_mm:g} mm", "build it with larger fields")
        return self.view(int(rng.choice(alike)))


def _shares(rng: np.random.Generator, n: int, positive_share: float) -> tuple[NDArray[np.bool_], list[_Group]]:
    """Which of ``n`` patches hold calcium, and what kinds of sites each may lie at: exact shares, of either kind."""
    order, calcium = rng.permutation(n), round(positive_share * n)
    positive = order < calcium
    share = np.where(positive, order / max(calcium, 1), (order - calcium) / max(n - calcium, 1))
    ends = np.cumsum((EDGE_SHARE, SPOT_SHARE))
    return positive, [(EDGES, SPOTS, TISSUE)[group] for group in np.searchsorted(ends, share, side="right")]


def _choose_site(view: BankView, group: _Group, rng: np.random.Generator) -> int:
    """A site of one of the kinds, each that the view has as often; where it has none of them, any of its tissue."""
    kinds = np.intersect1d(view.kinds, group if np.isin(view.kinds, group).any() else TISSUE)
    return int(rng.choice(np.flatnonzero(view.kinds == rng.choice(kinds))))


def _begun(folder: Path, resume: bool) -> BankIndex:
    """The index of what an earlier call has finished; an empty one where there was none."""
    if not (folder / _INDEX).exists():
        return BankIndex()
    index = BankIndex.from_json(folder / _INDEX)
    if not resume:
        raise UsageError(
            expected="a folder without a bank", found=_INDEX, do="pass resume=True or another folder", where=folder
        )
    if index.versions != VERSIONS:
        raise UsageError(
            expected="a bank begun by these versions",
            found=", ".join(f"{name} {version}" for name, version in index.versions.items()),
            do="use another folder",
            where=folder,
        )
    return index


def _write_index(folder: Path, index: BankIndex) -> None:
    with replacing(folder / _INDEX) as file:
        file.write(index.to_json().encode())


def _key(plan: StudyPlan) -> str:
    """Tells plans apart: another plan renders other views."""
    return key_of(plan)[:16]


def _died(task: _Task) -> tuple[ViewRecord, ...]:
    raise WriteError(
        expected="a process that renders a breast",
        found="one that died",
        do="free memory or use fewer processes, then resume",
        where=task.folder,
    )


def _keep_breast(task: _Task) -> tuple[ViewRecord, ...]:
    """Render, pool and write both views of a breast."""
    plan, side = task.plan, task.side
    rng = np.random.default_rng([plan.seed, *b"bank"])  # the patient's: both breasts have one device and density
    device = draw_unit(plan, rng)
    density = plan.density or get_args(Density)[rng.choice(4, p=plan.difficulty.densities)]
    views = {view: Phantom(view, side, plan.seed, density, device.shape, device.spacing_mm) for view in VIEWS}
    of_pool = views["CC"].rng("pool", side)
    lesions = [lesion for _ in range(POOL_DRAWS) for lesion in draw_lesions(views, of_pool, plan.difficulty)]
    return tuple(_keep_view(task, phantom, device, lesions) for phantom in views.values())


def _keep_view(task: _Task, phantom: Phantom, device: Device, lesions: Sequence[Lesion]) -> ViewRecord:
    tissue = phantom.render()
    rng = phantom.rng("bank", phantom.side, phantom.view)
    stamps = draw_confusers(phantom, tissue, device, rng)
    kept = kept_region(tissue, phantom.spacing_mm)
    pool = _pool(phantom, lesions)
    record = ViewRecord(
        name=f"{task.plan.number:04}-{phantom.side}-{phantom.view}-{_key(task.plan)}",
        plan=_key(task.plan),
        patient=task.plan.patient,
        seed=task.plan.seed,
        side=phantom.side,
        view=phantom.view,
        density=phantom.density,
        spacing_mm=phantom.spacing_mm,
        shape=phantom.shape,
        origin=(kept[0].start, kept[1].start),
        device=device.name,
        noise=task.plan.difficulty.noise,
        reference=reference_attenuation(phantom, tissue),
        pooled=len(pool),
    )
    write_view(task.folder, record, tissue, find_sites(phantom, tissue, stamps, rng), stamps, pool)
    return record


def _pool(phantom: Phantom, lesions: Sequence[Lesion]) -> list[PooledShadow]:
    """The shadows of all lesions as the view sees them, where they lie."""
    return [_cast(phantom, speck, number) for number, lesion in enumerate(lesions) for speck in lesion.specks]


def _cast(phantom: Phantom, speck: Speck, lesion: int) -> PooledShadow:
    shadow = cast_shadow(speck, phantom.view, *place_px(phantom, speck), phantom.spacing_mm)
    # Whether it can be seen is asked for every draw; here only whether it would be a target.
    ignored = Sight.of(speck, shadow, np.inf, phantom.spacing_mm).ignored is not None
    return PooledShadow(shadow, lesion, speck.pathology == "malignant", ignored)
