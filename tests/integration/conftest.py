"""What tests with real agents share."""

from __future__ import annotations

import sys

import pytest

from mpbench.harness.agent_package import hand_over
from mpbench.harness.launch import Subject


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Return this interpreter, ready to be an agent."""
    place = hand_over(sys.executable, tmp_path_factory.mktemp("handover"))
    return Subject("here", sys.executable, str(place))
