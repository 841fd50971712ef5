"""What the report page shows, worked out before it is laid out: views of studies, images and clusters."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.clusters import ClusterDescriptors, describe
from microcalc.errors import ReadError
from microcalc.findings import Cluster, ImageFindings, Report, read_record
from microcalc.mammogram import Side
from microcalc.output import words
from microcalc.output.crop import Crop, PictureSet
from microcalc.output.files import image_key
from microcalc.output.hanging import Study, hang
from microcalc.output.scene import Scene, make_scene, scale_bar_mm

#: Images whose pictures are embedded: more would make a page that no browser opens gladly.
MOST_PICTURES = 150


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture file, the geometry it was cut with and what is drawn over it."""

    file: Path
    crop: Crop
    scene: Scene
    #: x, y on a picture of the whole breast; None on a cluster's.
    nipple: tuple[float, float] | None

    @property
    def uri(self) -> str:
        """The file as a ``data:`` URI, read when asked for, so that only one is in memory at a time."""
        kind = {".jpg": "jpeg", ".png": "png"}[self.file.suffix]
        try:
            data = base64.b64encode(self.file.read_bytes()).decode()
        except OSError as error:
            raise ReadError(
                expected="a picture written for the report",
                found=error.strerror or str(error),
                do="detect again with the html format",
                where=self.file,
            ) from error
        return f"data:image/{kind};base64,{data}"

    @property
    def bar_mm(self) -> int | None:
        """Length of the scale bar; None where the spacing is unknown."""
        return None if self.crop.px_per_mm is None else scale_bar_mm(self.crop.px_per_mm, self.crop.width * 0.4)


@dataclass(frozen=True, eq=False)
class ClusterView:
    """One cluster; no descriptors without spacing, no picture where pictures were left out."""

    number: int
    anchor: str
    cluster: Cluster
    size: str
    descriptors: ClusterDescriptors | None
    picture: Picture | None


@dataclass(frozen=True, eq=False)
class ImageView:
    """One image; no picture where pictures were left out."""

    image: ImageFindings
    label: str
    anchor: str
    spacing: str
    #: Marks at or above the threshold, those of them in no cluster, and the best score of any.
    shown: int
    single: int
    best: float | None
    picture: Picture | None
    clusters: tuple[ClusterView, ...]


@dataclass(frozen=True, eq=False)
class Cell:
    """One place in a row: what belongs there and, where its picture is there, its size in units common to the row."""

    label: str
    view: ImageView | None
    width: float = 0.0
    height: float = 0.0
    #: Below the picture's upper edge.
    nipple: float = 0.0


@dataclass(frozen=True, eq=False)
class Row:
    """Pictures side by side at one scale: a pair, right breast first, or one image alone.

    The unit is 1 mm where every spacing is known; otherwise each picture is 1 high.
    """

    cells: tuple[Cell, ...]
    #: Of the widest picture, and of all as hung.
    width: float
    height: float
    #: Where the nipples hang, below the row's upper edge.
    level: float
    true_scale: bool


@dataclass(frozen=True, eq=False)
class StudyView:
    """One study: a sentence for each breast, and its images as hung."""

    study: Study
    summaries: tuple[str, ...]
    rows: tuple[Row, ...]
    images: tuple[ImageView, ...]


def make_page(report: Report, pictures: Path) -> list[StudyView]:
    """The studies of a report with their pictures, from the folder that holds ``<image_key>/geometry.json`` ...

    Raises:
        ReadError: a geometry is broken.
    """
    studies = hang(report.images)
    threshold = report.detector.threshold
    embedded = _embedded(studies)
    numbers = {image.path: number for number, image in enumerate(report.images, 1)}
    page = []
    for study in studies:
        views = {
            image.path: _image_view(
                image, f"image-{numbers[image.path]}", threshold, pictures, embed=image.path in embedded
            )
            for image in study.images
        }
        page.append(
            StudyView(
                study=study,
                summaries=_summaries(study, threshold),
                rows=_rows(study, views),
                images=tuple(views.values()),
            )
        )
    return page


def _embedded(studies: Sequence[Study]) -> set[str]:
    """Paths of the images whose pictures are embedded: of the best-scored studies first, so that studies stay whole."""

    def rank(images: Sequence[ImageFindings]) -> tuple[float, float]:
        clusters = [cluster.score for image in images for cluster in image.clusters]
        marks = [mark.score for image in images for mark in image.calcifications]
        return max(clusters, default=0.0), max(marks, default=0.0)

    ranked = [
        (rank(study.images), -study.number, rank([image]), image.path) for study in studies for image in study.images
    ]
    return {path for *_, path in sorted(ranked, reverse=True)[:MOST_PICTURES]}


def _summaries(study: Study, threshold: float) -> tuple[str, ...]:
    views = [(image.side, image.view) for image in study.images]
    if study.uid is None and len(set(views)) < len(views):
        # A folder of several patients: no sentence could tell whose breast it means.
        return ()
    sides: tuple[Side | None, ...] = ("R", "L", None)
    breasts = ((side, [image for image in study.images if image.side == side]) for side in sides)
    return tuple(words.breast_summary(side, images, threshold) for side, images in breasts if images)


def _image_view(image: ImageFindings, anchor: str, threshold: float, pictures: Path, *, embed: bool) -> ImageView:
    folder = pictures / image_key(image.path)
    cut = _geometry(folder / "geometry.json", image) if embed else None

    def picture(name: str, crop: Crop, nipple: tuple[float, float] | None = None) -> Picture:
        return Picture(folder / name, crop, make_scene(image, threshold, crop), nipple)

    clusters = tuple(
        ClusterView(
            number=number,
            anchor=f"{anchor}-cluster-{number}",
            cluster=cluster,
            size=words.cluster_size(cluster, image),
            descriptors=describe(cluster, image) if image.spacing_mm else None,
            picture=picture(f"cluster-{number:02d}.png", cut.clusters[number - 1]) if cut else None,
        )
        for number, cluster in enumerate(image.clusters, 1)
    )
    shown = [mark.score for mark in image.calcifications if mark.score >= threshold]
    return ImageView(
        image=image,
        label=words.image_label(image),
        anchor=anchor,
        spacing=words.spacing_words(image),
        shown=len(shown),
        single=words.single_marks(image, threshold),
        best=max(shown, default=None),
        picture=picture("breast.jpg", cut.breast, cut.nipple) if cut else None,
        clusters=clusters,
    )


def _geometry(path: Path, image: ImageFindings) -> PictureSet | None:
    if not path.is_file():
        return None
    cut = read_record(PictureSet, path, "the geometry of a report's pictures")
    if len(cut.clusters) != len(image.clusters):
        raise ReadError(
            expected=f"pictures of {len(image.clusters)} clusters",
            found=f"pictures of {len(cut.clusters)}",
            do="detect again with the html format",
            where=path,
        )
    return cut


def _rows(study: Study, views: Mapping[str, ImageView]) -> tuple[Row, ...]:
    pairs = [
        _row(
            [
                (f"{side} {pair.view or 'view unknown'}", None if image is None else views[image.path])
                for side, image in (("R", pair.right), ("L", pair.left))
            ]
        )
        for pair in study.pairs
    ]
    return (*pairs, *(_row([(views[image.path].label, views[image.path])]) for image in study.others))


def _row(members: Sequence[tuple[str, ImageView | None]]) -> Row:
    crops = [view.picture.crop for _, view in members if view is not None and view.picture is not None]
    true_scale = all(crop.px_per_mm is not None for crop in crops)
    cells = tuple(_cell(label, view, true_scale) for label, view in members)
    level = max(cell.nipple for cell in cells)
    return Row(
        cells=cells,
        width=max([1.0, *(cell.width for cell in cells)]),
        height=max([1.0, *(level - cell.nipple + cell.height for cell in cells)]),
        level=level,
        true_scale=true_scale,
    )


def _cell(label: str, view: ImageView | None, true_scale: bool) -> Cell:
    if view is None or view.picture is None:
        return Cell(label, view)
    crop = view.picture.crop
    unit = crop.px_per_mm if true_scale and crop.px_per_mm else float(crop.height)
    nipple = view.picture.nipple[1] / unit if view.picture.nipple else 0.0
    return Cell(label, view, crop.width / unit, crop.height / unit, nipple)
