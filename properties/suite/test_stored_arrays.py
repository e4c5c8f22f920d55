"""The stored arrays: each file has a recipe, says where it comes from, and holds what the oracles answer today."""

import json

import numpy as np
import pytest

from fixtures import recipes
from properties import expected, stored
from properties.compare import assert_close

NAMES = sorted(recipes.RECIPES)
FAMILIES = {
    family.name.removeprefix("stored_"): family
    for family in (
        stored.stored_rnn_steps,
        stored.stored_classifications,
        stored.stored_gru_steps,
        stored.stored_predictions,
    )
}
ORACLES = {
    "rnn_steps": lambda case: {**expected.rnn_forward(case), **expected.rnn_backward(case)},
    "classifications": expected.classify,
    "gru_steps": lambda case: {**expected.gru_forward(case), **expected.gru_backward(case)},
    "predictions": expected.predictor_inference,
}


def numbered_cases(name):
    """(case, the stored answers) of every case of a file."""
    _, cases = stored.load(name)
    return zip(FAMILIES[name].ladder, (answers for _, answers in cases), strict=True)


def test_every_file_has_a_recipe_and_every_recipe_a_file():
    """The files of fixtures/arrays are those that the recipes write, and each is a family of cases."""
    files = sorted(file.stem for file in stored.FOLDER.iterdir())

    assert files == NAMES == sorted(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_loads_without_pickle_and_says_where_it_comes_from(name):
    """Inside each file are its command, oracle, conventions, seed, versions and the sizes of its cases."""
    with np.load(stored.FOLDER / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    description = json.loads(str(arrays.pop("description")))

    assert description["command"] == recipes.COMMAND
    assert description["oracle"] == recipes.RECIPES[name].oracle
    assert description["conventions"] == recipes.RECIPES[name].conventions
    assert description["seed"] == recipes.SEED
    assert set(description["versions"]) == {"numpy", "torch"}
    assert description["confirmed_by"]
    assert {int(key.partition("/")[0]) for key in arrays} == set(range(len(description["sizes"])))
    assert all(np.isfinite(array).all() for array in arrays.values())


@pytest.mark.parametrize("name", NAMES)
def test_expected_values_are_the_oracles_of_today(name):
    """Every expected array is what the oracle makes of the stored inputs, within tolerance."""
    for case, answers in numbered_cases(name):
        assert answers
        for what, answer in answers.items():
            assert_close(answer, ORACLES[name](case)[what], what)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_have_the_shapes_of_their_case(name):
    """Every stored input has the shape that the case of these sizes gives it."""
    for case, _ in numbered_cases(name):
        _, cases = stored.load(name)
        for what, array in cases[case.seed][0].items():
            shape = {"labels": (getattr(case, "N", 0),), "h_t": (getattr(case, "N", 0), case.H)}.get(what)
            assert array.shape == (shape or case.shape(what)), what


def test_small_sizes_are_among_them():
    """N = 1, H = 1, T = 1 and one, two and three layers are stored, h_0 given and absent."""

    def stored_sizes(name, size):
        return {getattr(case, size) for case in FAMILIES[name].ladder}

    assert all(1 in stored_sizes(name, "H") for name in NAMES)
    assert all(1 in stored_sizes(name, "N") for name in ("rnn_steps", "classifications"))
    assert all(1 in stored_sizes(name, "T") for name in ("predictions", "classifications"))
    assert {1, 2, 3} <= stored_sizes("classifications", "L")
    assert stored_sizes("classifications", "state") == {"given", "absent"}


def test_a_recipe_gives_the_stored_values(tmp_path, monkeypatch):
    """Written again, every file has the same names, shapes and, to a few roundings, values."""
    recipes.write(tmp_path)
    written = {name: stored.load(name) for name in NAMES}
    monkeypatch.setattr(stored, "FOLDER", tmp_path)
    for name in NAMES:
        description, cases = stored.load(name)

        assert description["sizes"] == written[name][0]["sizes"]
        for mine, its in zip(cases, written[name][1], strict=True):
            for one, other in zip(mine, its, strict=True):
                assert list(one) == list(other)
                for what in one:
                    np.testing.assert_allclose(one[what], other[what], rtol=1e-12, atol=1e-14, err_msg=what)


def test_a_value_that_is_not_the_oracles_is_noticed():
    """A stored value that is off by a millionth fails the comparison above."""
    case, answers = next(iter(numbered_cases("rnn_steps")))
    with pytest.raises(AssertionError):
        assert_close(answers["h_t"] * (1 + 1e-6), ORACLES["rnn_steps"](case)["h_t"], "h_t")


def test_what_two_oracles_disagree_on_is_not_stored():
    """A recipe raises where the written-out equations do not confirm torch."""
    right = np.ones((9, 2))
    with pytest.raises(ValueError, match=r"h_t: torch and the written-out equations differ by 1e-06"):
        recipes._confirmed({"h_t": np.ones(2) + 1e-6}, {"h_t": right})
