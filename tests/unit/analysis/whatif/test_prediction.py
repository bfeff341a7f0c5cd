"""Predictions: what can be checked from outside, and their way through a file."""

import json

from mpbench.analysis.whatif.prediction import (
    Change,
    Prediction,
    WhatIf,
    from_record,
    to_record,
)


def spawned(**given: object) -> Prediction:
    """Return a prediction of another start method."""
    values = {"seconds": 1.5, "low_s": 1.4, "high_s": 1.7, "assumption": "as measured"}
    return Prediction(
        change=Change.METHOD, setting="method=spawn", words="spawn", **{**values, **given}
    )


def test_a_withheld_prediction_cannot_be_proven() -> None:
    """There is nothing to compare a measurement with."""
    assert spawned().is_provable
    assert not spawned(withheld="its main module reads stdin").is_provable


def test_the_residual_is_a_share_of_the_measured_time() -> None:
    """Positive where the replay takes longer, not known without a replay."""
    assert WhatIf(measured_s=2.0, simulated_s=3.0).residual == 0.5
    assert WhatIf(measured_s=2.0, simulated_s=None).residual is None


def test_predictions_survive_a_file() -> None:
    """What profile.json holds gives the same predictions."""
    before = WhatIf(measured_s=2.0, simulated_s=2.1, predictions=(spawned(),))

    assert before == from_record(json.loads(json.dumps(to_record(before))))
