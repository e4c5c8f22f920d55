"""A slice of `tox -e sound`: no correct stored hand-in is ever accused, at any size and scale."""

import pytest

from benchmarks import sound


@pytest.mark.slow
def test_no_correct_hand_in_is_accused():
    """Ten thousand comparisons over the correct stored hand-ins give no false alarm."""
    tallies = sound.comparisons(seed=7, until=10_000)

    assert [alarm for tally in tallies.values() for alarm in tally.alarms] == []
    assert sum(tally.comparisons for tally in tallies.values()) >= 10_000


@pytest.mark.slow
def test_a_wrong_hand_in_is_accused(monkeypatch):
    """The same comparisons do accuse a hand-in that is wrong."""
    monkeypatch.setattr(sound, "CORRECT", ("summed",))

    tallies = sound.comparisons(seed=7, until=500)

    accused = {name for name, tally in tallies.items() if tally.alarms}
    assert "rnn_backward.gradient_equals_torch[dW_ih]" in accused
    assert "rnn_backward.gradient_equals_torch[dx]" not in accused
