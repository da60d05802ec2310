"""What tests of capture share."""

from __future__ import annotations

import pytest

from dgtalker_engine.capture import ready
from dgtalker_engine.errors import DGTalkerError


@pytest.fixture(scope="session")
def landmarker():
    """Skips where MediaPipe cannot be loaded: it needs the system's OpenGL ES."""
    try:
        ready.check()
    except DGTalkerError as error:
        pytest.skip(str(error))
