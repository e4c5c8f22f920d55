"""The stored arrays (fixtures/arrays/) as cases, with what was stored as expected and today's tolerance."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from properties import expected
from properties.cases import Case, Classification, GRUStep, Prediction, RNNStep
from properties.compare import Expected
from properties.strategies import Family

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "arrays"


def load(name: str) -> tuple[dict[str, Any], list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]]:
    """The description of a file of fixtures/arrays, and (inputs, expected) of each of its cases."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        description = json.loads(str(file["description"]))
        cases = []
        for number in range(len(description["sizes"])):
            keys = [key for key in file.files if key.startswith(f"{number}/")]
            arrays = {key.partition("/")[2]: file[key] for key in keys}
            inputs = {key.removeprefix("inputs/"): array for key, array in arrays.items() if key.startswith("inputs/")}
            answers = {
                key.removeprefix("expected/"): array for key, array in arrays.items() if key.startswith("expected/")
            }
            cases.append((inputs, answers))
    return description, cases


_answers: dict[Case, Mapping[str, np.ndarray]] = {}


def _family(name: str, kind: type[Case]) -> Family:
    description, stored = load(name)
    cases = []
    for number, (sizes, (inputs, answers)) in enumerate(zip(description["sizes"], stored, strict=True)):
        case = kind(**sizes, numbers="stored", seed=number)
        for array_name, array in inputs.items():
            case.keep(array_name, array)
        _answers[case] = answers
        cases.append(case)
    return Family(f"stored_{name}", lambda draw: draw.choice(cases), tuple(cases))


stored_rnn_steps = _family("rnn_steps", RNNStep)
stored_classifications = _family("classifications", Classification)
stored_gru_steps = _family("gru_steps", GRUStep)
stored_predictions = _family("predictions", Prediction)


def stored_state(case: RNNStep) -> Expected:
    """The stored h_t."""
    return expected.rnn_forward(case)["h_t"].instead(_answers[case]["h_t"])


def stored_rnn_gradient(case: RNNStep, gradient: str) -> Expected:
    """The stored gradient of this name."""
    return expected.rnn_backward(case)[gradient].instead(_answers[case][gradient])


def stored_classification(case: Classification) -> expected.Answers:
    """The stored logits and gradients."""
    return {name: expected.classify(case)[name].instead(answer) for name, answer in _answers[case].items()}


def stored_gru_state(case: GRUStep) -> Expected:
    """The stored h_t."""
    return expected.gru_forward(case)["h_t"].instead(_answers[case]["h_t"])


def stored_gru_gradient(case: GRUStep, gradient: str) -> Expected:
    """The stored gradient of this name."""
    return expected.gru_backward(case)[gradient].instead(_answers[case][gradient])


def stored_logits(case: Prediction) -> Expected:
    """The stored logits."""
    return expected.predictor_inference(case)["logits"].instead(_answers[case]["logits"])
