"""Recipes: the cascade's numbers in the paper, what is refused, variants of a base, changes, and smoke runs."""

import dataclasses
import pickle
from pathlib import Path

import pytest

import microcalc
from microcalc.candidates import hdog, morphology
from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.tables import PAPERS
from microcalc.features import FAMILIES
from microcalc.recipe import RECIPES, CascadeRecipe, Proposer, Svm, load_recipe, recipe_from
from microcalc.recipe.yaml_text import read_yaml, write_yaml

FOLDER = Path(microcalc.__file__).parent / "recipes"


@pytest.fixture(scope="module")
def cortina():
    return load_recipe("cortina2022-cascade")


def test_every_recipe_of_the_package_loads():
    assert sorted(RECIPES) == sorted(path.stem for path in FOLDER.iterdir())
    for name in RECIPES:
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.paper in {None, *PAPERS}


def test_the_candidates_are_those_of_appendix_1(cortina):
    """The border is 20 passes with a square of 5 px, each of which takes 2 px; the area that of 14 x 14 px."""
    assert cortina.spacing_mm == 0.07
    assert cortina.proposer == Proposer(
        name="morphology",
        parameters={
            "opening_diameter_px": 14,
            "border_px": 20 * 2,
            "first_quantile": 0.95,
            "second_quantile": 0.80,
            "max_area_px2": 14 * 14,
            "max_radius_px": 10,
            "min_distance_px": 6,
        },
    )


def test_no_parameter_of_the_candidates_is_left_to_the_code(cortina):
    assert len(cortina.proposer.parameters) == len(dataclasses.fields(morphology.MorphologyParameters))
    assert cortina.proposer.load().keywords == {"parameters": morphology.MorphologyParameters()}


def test_lengths_may_be_given_in_pixels_or_mm():
    """50 px of 0.07 mm are 3.5 mm; 100 px2 are 0.49 mm2."""
    (parameters,) = Proposer(name="hough", parameters={"ball_radius_px": 50}).load().keywords.values()
    assert parameters.ball_radius_mm == pytest.approx(3.5)
    (parameters,) = (
        Proposer(name="morphology", parameters={"max_area_px2": 100, "border_mm": 1}).load().keywords.values()
    )
    assert (parameters.max_area_mm2, parameters.border_mm) == (pytest.approx(0.49), 1)


def test_the_features_are_those_of_section_2_2_1(cortina):
    columns = {"first_order": 17, "gabor": 30, "wavelet": 92}
    for name, count in columns.items():
        assert len(FAMILIES[name]().names) == count
    assert cortina.families == (*columns, "haar")
    haar = cortina.haar
    assert (haar.images, haar.first, haar.second, haar.kept, haar.folds) == (100, 1000, 2000, 500, 5)
    assert {25, 50, 100, 200, 400, 800, 1600, 3000} < set(haar.sizes)


def test_the_classifiers_are_those_of_appendix_1(cortina):
    """Three values of C for a linear kernel, four polynomials and four radial ones: 3 (1 + 4 + 4) = 27 machines."""
    machines = cortina.grid.machines
    assert len(set(machines)) == len(machines) == 27
    assert {(m.degree, m.gamma) for m in machines if m.kernel == "poly"} == {(d, "scale") for d in (3, 5, 7, 10)}
    assert {m.gamma for m in machines if m.kernel == "rbf"} == {0.01, 0.1, 1, "scale"}
    assert {m.C for m in machines if m.kernel == "linear"} == {1, 10, 100}
    assert cortina.svm == Svm(kernel="rbf", C=10, gamma=0.1)
    assert cortina.svm in machines
    assert (cortina.ratio, cortina.comparison.folds, cortina.grid.folds) == (10, 10, 5)
    assert cortina.first_stage_sensitivity == 0.98


def test_a_recipe_comes_back_as_it_went(cortina, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(write_yaml(cortina.as_written()))
    assert load_recipe(path) == load_recipe(str(path)) == cortina


def test_a_smoke_run_is_the_recipe_but_for_its_changes(cortina):
    smoke = cortina.smoke()
    assert smoke.haar.kept < cortina.haar.kept
    assert smoke.grid.C == (10,)  # a list is replaced whole
    assert smoke.grid.degree == cortina.grid.degree  # a group is changed where it says so
    changed = {"haar", "comparison", "out_of_fold", "grid", "smoke"}
    assert set(cortina.as_written()["smoke"]) | {"smoke"} == changed
    assert {k: v for k, v in smoke.as_written().items() if k not in changed} == {
        k: v for k, v in cortina.as_written().items() if k not in changed
    }
    assert smoke.smoke() == smoke


def test_a_proposer_takes_its_parameters_to_another_process():
    propose = pickle.loads(
        pickle.dumps(Proposer(name="hdog", parameters={"scales": 4, "condition": "roundness"}).load())
    )
    assert propose.func is hdog.propose
    assert propose.keywords == {"parameters": hdog.HdogParameters(scales=4, condition="roundness")}


BROKEN = [
    ({"kind": "cascades"}, "kind: 'cascades'"),
    ({"kind": None}, "kind: None"),
    ({"sead": 1}, "sead: Extra inputs"),
    ({"name": "Cortina 2022"}, "name: String should match"),
    ({"title": " "}, "title: a text is empty"),
    ({"title": "a\x07b"}, "title: a text holds"),
    ({"svm": {"kernel": "rbf", "C": -10}}, "svm.C: Input should be greater than 0, got -10"),
    ({"svm": {"kernel": "rbf", "C": "10"}}, "svm.C: Input should be a valid number, got '10'"),
    ({"svm": {"kernel": "rbf", "C": float("nan")}}, "svm.C: Input should be"),
    ({"svm": {"kernel": "radial", "C": 10}}, "svm.kernel"),
    ({"seed": 0.5}, "seed: Input should be a valid integer"),
    ({"svm": {"kernel": "linear", "C": 10}}, "svm: packages hold machines with the kernel rbf only, got linear"),
    ({"out_of_fold": 1}, "out_of_fold: Input should be greater than or equal to 2"),
    ({"spacing_mm": "native"}, "spacing_mm: Input should be a valid number"),
    ({"first_stage_sensitivity": 98}, "first_stage_sensitivity: Input should be less than 1, got 98"),
    ({"families": ["gabor", "gabor"], "haar": None}, "named twice"),
    ({"families": ["glcm"]}, "there are first_order, gabor, wavelet, haar"),
    ({"haar": None}, "go together"),
    ({"haar": {"kept": 3001}}, "haar: kept and sizes can be 3000 at most"),
    ({"default_operating_point": "bold"}, "'bold' is not among them"),
    ({"operating_points": {}}, "operating_points"),
    ({"proposer": {"name": "sobel"}}, "there are morphology, hough, hdog"),
    ({"proposer": {"name": "morphology", "parameters": {"first_quantle": 0.9}}}, "has no parameter first_quantle"),
    ({"proposer": {"name": "morphology", "parameters": {"first_quantile": "high"}}}, "first_quantile: Input should be"),
    ({"proposer": {"name": "morphology", "parameters": {"border_px": 40, "border_mm": 3}}}, "given twice"),
    ({"proposer": {"name": "hdog", "parameters": {"scales": 1}}}, "two or more scales"),
    ({"proposer": {"name": "hough", "parameters": {"omega": 1}}}, "omega from 0 to below 1, found 1"),
    ({"proposer": {"name": "hough", "parameters": {"min_radius_px": -3}}}, "min_radius_mm from 0 to below 1000"),
    ({"proposer": {"name": "morphology", "parameters": {"first_quantile": 1.5}}}, "first_quantile from 0 to below 1"),
    ({"proposer": {"name": "morphology", "parameters": {"max_area_px2": -1}}}, "max_area_mm2 from 0 to below"),
    ({"smoke": {"haar": {"trees": 0}}}, "smoke changes that do not fit: haar.trees"),
]


@pytest.mark.parametrize(("change", "found"), BROKEN, ids=lambda value: str(value)[:40])
def test_a_broken_recipe_is_refused_with_the_field(cortina, change, found):
    values = cortina.as_written()
    for name, value in change.items():
        values[name] = values[name] | value if name == "haar" and value else value
    with pytest.raises(ReadError) as error:
        recipe_from(values, "mine.yaml")
    assert found in str(error.value)
    assert str(error.value).startswith("mine.yaml: expected a recipe of ")
    assert "\n" not in str(error.value)


def test_a_missing_field_is_named(cortina):
    values = cortina.as_written()
    del values["svm"]
    with pytest.raises(ReadError, match=r"found svm: Field required; mend it"):
        recipe_from(values, "mine.yaml")


def test_several_wrong_fields_are_counted(cortina):
    with pytest.raises(ReadError, match=r"\(and 1 more\)"):
        recipe_from(cortina.as_written() | {"ratio": 0, "seed": -1}, "mine.yaml")


def test_a_recipe_that_does_not_exist_but_for_a_slip():
    with pytest.raises(UsageError, match="found 'mracko2024-resnet11'; try mracko2024-resnet101 or "):
        load_recipe("mracko2024-resnet11")


def test_a_recipe_that_does_not_exist():
    """All there are, paper by paper, in one line."""
    with pytest.raises(UsageError) as error:
        load_recipe("yolo")
    assert "a recipe's name, or a YAML file, found 'yolo'; choose one of mracko2024-{resnet101, " in str(error.value)
    assert "kahnouei2022-{resnet50, resnet50-paper-split}, " in str(error.value)
    assert len(str(error.value)) < 0.75 * sum(len(f"{name}, ") for name in RECIPES)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_variant_is_its_base_but_for_what_it_says(cortina, write):
    """A group is changed where it says so, a list is replaced whole, and notes are added."""
    mine = load_recipe(
        write(
            "mine.yaml",
            "base: cortina2022-cascade\nname: mine\nhaar:\n  trees: 7\ngrid:\n  C: [3]\nnotes: [Fewer trees.]\n",
        )
    )
    assert mine.haar.trees == 7
    assert mine.grid.C == (3,)
    assert mine.notes == (*cortina.notes, "Fewer trees.")
    changes = {"haar": {"trees": 7}, "grid": {"C": [3]}, "name": "mine", "notes": list(mine.notes)}
    assert mine == cortina.with_changes(changes)
    assert "base" not in mine.as_written()


def test_a_base_may_lie_beside_its_variant_and_be_one_itself(write, tmp_path):
    write("first.yaml", "base: cortina2022-cascade\nname: first\nratio: 3\nout_of_fold: 4\n")
    (tmp_path / "more").mkdir()
    second = write("more/second.yaml", "base: ../first.yaml\nname: second\nratio: 2\n")
    recipe = load_recipe(second)
    assert (recipe.name, recipe.ratio, recipe.out_of_fold) == ("second", 2, 4)


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("base: mine.yaml\nname: mine\n", ReadError, r"a base that does not lead back here.*found base: mine\.yaml"),
        ("base: cortina2022-cascade\nratio: 2\n", ReadError, "a name of its own, found .* name: None"),
        ("base: cortina2022-cascade\nname: mine\nrati: 2\n", ReadError, "rati: Extra inputs"),
        ("base: cortina2022-cascade\nname: mine\nnotes: one\n", ReadError, "notes: Input should be a valid"),
        ("base: elsewhere.yaml\nname: mine\n", UsageError, r"mine\.yaml: expected .*found 'elsewhere\.yaml'"),
    ],
)
def test_a_variant_that_makes_no_sense(write, text, kind, found):
    with pytest.raises(kind, match=found):
        load_recipe(write("mine.yaml", text))


def test_changes_leave_the_recipe_itself_as_it_is(cortina):
    changed = cortina.with_changes({"svm": {"C": 100}, "seed": 7})
    assert (changed.svm.C, changed.svm.gamma, changed.seed) == (100, 0.1, 7)
    assert (cortina.svm.C, cortina.seed) == (10, 0)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"svm": {"c": 1}}, "svm.c: Extra inputs"),
        ({"sead": 1}, "sead: Extra inputs"),
        ({"svm": {"C": -1}}, "svm.C: Input should be greater than 0, got -1"),
        ({"svm": 1}, "svm: "),
        ({"families": ["gabor"]}, "go together"),
    ],
)
def test_changes_that_do_not_fit_are_refused(cortina, changes, found):
    with pytest.raises(UsageError, match="changes that fit the recipe cortina2022-cascade") as error:
        cortina.with_changes(changes)
    assert found in str(error.value)


def test_a_file_that_is_no_recipe(tmp_path):
    path = tmp_path / "notes.yaml"
    path.write_text("just text\n")
    with pytest.raises(ReadError, match=r"notes\.yaml: expected a recipe in YAML, found no names and values"):
        load_recipe(path)


def test_the_choices_are_written_down(cortina):
    """Where the paper is silent or contradicts itself, the recipe says what was chosen."""
    said = " ".join(cortina.notes)
    for choice in ("Area", "Normalisation", "Training set of the first stage", "Threshold", "Grid", "Split"):
        assert choice in said or choice.lower() in said
    assert isinstance(cortina, CascadeRecipe)
    assert read_yaml((FOLDER / "cortina2022-cascade.yaml").read_bytes(), "", "")["kind"] == "cascade"
