"""Phantoms beside real mammograms: what the eye sees, what statistics say, and whether a classifier tells them apart.

``--quick`` prints tables and one test; without it a page is written. How and why: docs/why/realism.md.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np
from likeness import page, rings, tables
from likeness.folds import Auc, Fold, by_exam, by_side, by_side_and_woman, within_pictures
from likeness.lesions import FEWEST, Group, drawn_cluster, measure_cluster, real_clusters
from likeness.matching import Target
from likeness.sources import drawn_sources, exam_sources, folder_sources
from likeness.summary import Summary, summarise
from likeness.twosample import CLASSIFIERS, separate

from microcalc.parallel import process_pool

Judge = Callable[[Sequence[Fold]], Auc]
#: Crude pictures drawn as the control that must be told apart.
CRUDE = 4


def main() -> None:
    arguments = parse()
    start = time.perf_counter()
    target = Target.of([source.open() for source in exam_sources(arguments.real, 1)])
    if arguments.pictures:
        drawn = folder_sources(sorted(p for p in arguments.pictures.iterdir() if p.suffix in {".png", ".dcm", ".tif"}))
    else:
        drawn = drawn_sources("phantom", arguments.phantoms, target)
    exams = [exam_sources(arguments.real, exam) for exam in range(1, arguments.exam + 1)]
    crude = [] if arguments.quick else drawn_sources("crude", CRUDE, target)
    sources = [*itertools.chain(*exams), *drawn, *crude]
    with process_pool(arguments.jobs)() as pool:
        summaries = list(pool.map(summarise, sources))
        of = dict(zip(sources, summaries, strict=True))
        sets = [[of[source] for source in part] for part in (*exams, drawn, crude)]
        print(f"{len(sources)} pictures described in {time.perf_counter() - start:.0f} s", flush=True)
        show(sets[arguments.exam - 1], sets[-2])
        if not arguments.quick:
            specks = look_at_specks(pool, arguments, target)
            samples = list(pool.map(rings.ring_samples, exams[0]))
    if arguments.quick:
        return
    tests = run_tests(sets[:-2], sets[-2], sets[-1], judges(arguments.cnn)) + ring_tests(samples)
    for test in tests:
        print(f"{test.question:52} {test.by:20} {test.auc}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / "realism.html"
    target.write_text(page.write(sets[arguments.exam - 1], sets[-2], sets[-1], tests, specks), encoding="utf-8")
    print(f"{target} in {time.perf_counter() - start:.0f} s")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, required=True, help="folder with 1_L_CC.png, 1_R_CC.png, truth.json ...")
    parser.add_argument("--out", type=Path, default=Path("out/realism"), help="folder for realism.html")
    parser.add_argument("--pictures", type=Path, help="judge this folder's pictures, named <woman>_<L or R>_CC")
    parser.add_argument("--phantoms", type=int, default=8, help="how many to draw, two of each woman")
    parser.add_argument("--groups", type=int, default=8, help="groups of specks to draw")
    parser.add_argument("--exam", type=int, choices=(1, 2), default=1, help="2: only once, when tuning is over")
    parser.add_argument("--cnn", action="store_true", help="also train a small network (needs torch)")
    parser.add_argument("--quick", action="store_true", help="tables and one test on the terminal, no page")
    parser.add_argument("--jobs", type=int, help="processes; by default one per processor")
    arguments = parser.parse_args()
    if not arguments.pictures and arguments.phantoms < 4:
        parser.error("--phantoms: 4 or more are needed, for two women train and two test")
    return arguments


def show(real: Sequence[Summary], drawn: Sequence[Summary]) -> None:
    """Tables and the main test on the terminal."""
    print(tables.numbers_table(real, drawn))
    print(tables.tiles_table(real, drawn))
    for name, classifier in CLASSIFIERS.items():
        auc = separate(by_side_and_woman(real, drawn), classifier)
        print(f"phantoms against real, {name}: AUC {auc}, folds {np.round(auc.folds, 2)}", flush=True)


def judges(network: bool) -> dict[str, Judge]:
    """Whatever tells two sets apart, by name."""
    found: dict[str, Judge] = {
        name: lambda folds, classifier=classifier: separate(folds, classifier)
        for name, classifier in CLASSIFIERS.items()
    }
    if network:
        from likeness.network import separate_by_network

        found["small CNN on patches"] = separate_by_network
    return found


def run_tests(
    exams: Sequence[Sequence[Summary]], drawn: Sequence[Summary], crude: Sequence[Summary], by: dict[str, Judge]
) -> list[page.Test]:
    """The main test, its like with single women, and the controls."""
    real = exams[-1]
    questions: list[tuple[str, list[Fold], str]] = [
        ("phantoms from real pictures", by_side_and_woman(real, drawn), "other women and the other side test"),
        ("crude control from real pictures", by_side_and_woman(real, crude), "must be near 1"),
    ]
    if len(exams) == 1:
        questions.append(("1_L from 1_R, within the pictures", within_pictures(*real), "stands in for the floor"))
    else:
        questions.append(("exam 1 from exam 2", by_side(*exams), "the floor"))
        questions.append(("phantoms from real pictures, by exam", by_exam(exams, drawn), "the other exam tests"))
    tests = [page.Test(what, name, judge(folds), note) for what, folds, note in questions for name, judge in by.items()]
    return tests + [single_women(real, drawn, name, judge) for name, judge in by.items()]


def single_women(real: Sequence[Summary], drawn: Sequence[Summary], name: str, judge: Judge) -> page.Test:
    """Each phantom woman from the real one, folded as the floor is: mean and range over the women."""
    women = [[s for s in drawn if s.woman == woman] for woman in sorted({s.woman for s in drawn})]
    found = tuple(judge(by_side(real, pair)).value for pair in women)
    auc = Auc(float(np.mean(found)), min(found), max(found), found)
    return page.Test("one phantom woman from one real woman", name, auc, f"mean and range of {len(women)} women")


def ring_tests(samples: Sequence[dict[str, np.ndarray]]) -> list[page.Test]:
    """Specks put into exam 1, by each way of doing so."""
    return [
        page.Test(
            f"specks {way}, from tissue nearby",
            name,
            rings.ring_test([of[way] for of in samples], classifier),
            "should be 0.5" if way == "inserted" else "must be near 1",
        )
        for way in rings.WAYS
        for name, classifier in CLASSIFIERS.items()
    ]


def look_at_specks(pool: Executor, arguments: argparse.Namespace, target: Target) -> tuple[list[Group], list[Group]]:
    """Real and drawn groups."""
    real = [measure_cluster(cluster) for cluster in real_clusters(arguments.real, arguments.exam)]
    drawn = pool.map(partial(group_of_study, target), range(arguments.groups))
    return real, [group for group in drawn if group is not None]


def group_of_study(target: Target, number: int) -> Group | None:
    """One drawn group; None: too few of its specks are visible."""
    cluster = drawn_cluster(number, target)
    return measure_cluster(cluster) if len(cluster.points) >= FEWEST else None


if __name__ == "__main__":
    main()
