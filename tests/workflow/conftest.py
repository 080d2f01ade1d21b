"""Paths of the repository and its configuration as Snakemake merges it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Config = dict[str, Any]


def merge(below: Config, above: Config) -> Config:
    """What Snakemake makes of two configuration files: mappings are merged, all else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def schemas(root: Path) -> Path:
    return root / "workflow" / "schemas"


@pytest.fixture
def load_config(root: Path) -> Callable[..., Config]:
    """The default configuration under the named files of config/."""

    def load(*names: str) -> Config:
        config: Config = {}
        for name in ("config.yaml", *names):
            config = merge(config, yaml.safe_load((root / "config" / name).read_text()))
        return config

    return load
