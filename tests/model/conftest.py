"""Reference data that do not come with GeneScribe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def dnabert2_reference() -> Path:
    """Folder of reference data for DNABERT-2: what the original code gives for a small model."""
    folder = os.environ.get("GENESCRIBE_REFERENCE")
    if not folder:
        pytest.skip("GENESCRIBE_REFERENCE names no folder with reference data")
    return Path(folder) / "dnabert2"
