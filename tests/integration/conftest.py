"""What tests with real agents share."""

from __future__ import annotations

import sys

import pytest

from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.launch import Interpreter


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Return this interpreter, ready to be an agent."""
    place = install_agent_package(sys.executable, tmp_path_factory.mktemp("handover"))
    return Interpreter("here", sys.executable, str(place))
