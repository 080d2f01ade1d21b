"""What a model folder says about itself, read without loading the model."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genescribe.errors import InputError

_LARGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors format."""


@dataclass(frozen=True)
class ModelFacts:
    """What a model folder says.

    Attributes:
        parameters: how many numbers it has learnt.
        file_size: of its weights, in bytes.
        settings: the configuration as (key, value) rows, nested keys joined by a dot.
        calibrated_on: genomes whose truth its scores were fitted to; empty if they are the decoder's own.
    """

    parameters: int
    file_size: int
    settings: list[tuple[str, str]]
    calibrated_on: list[str]


def read_model_facts(folder: Path) -> ModelFacts:
    """Read config.json, calibration.json if there is one, and the headers of the weight files.

    Raises:
        InputError: there is no config.json or no weight file, or one of them is damaged.
    """
    config, calibration = folder / "config.json", folder / "calibration.json"
    if not config.is_file():
        raise InputError("no such file; name a folder that a training stage wrote", config)
    data = _json(config)
    fitted = _json(calibration).get("fitted_on", []) if calibration.is_file() else []
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise InputError("holds no .safetensors file; name a folder that a training stage wrote", folder)
    return ModelFacts(
        parameters=sum(_parameters(path) for path in weights),
        file_size=sum(path.stat().st_size for path in weights),
        settings=_flat(data),
        calibrated_on=[str(name).replace("_", " ") for name in fitted],
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON ({error.msg})", path, error.lineno) from error
    return content


def _parameters(path: Path) -> int:
    """Numbers in all tensors of a file, which begins with a length (8 bytes) and that much JSON."""
    with path.open("rb") as data:
        length = int.from_bytes(data.read(8), "little")
        try:
            if length > _LARGEST_HEADER:
                raise ValueError("header too long")
            header = json.loads(data.read(length))
            return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError("is no safetensors file; make the model again", path) from error


def _flat(data: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for key in sorted(data):
        value = data[key]
        if isinstance(value, dict) and value:
            rows += _flat(value, f"{prefix}{key}.")
        elif isinstance(value, int | float | str):
            rows.append((prefix + key, f"{value:,}" if type(value) is int else str(value)))
        else:
            rows.append((prefix + key, json.dumps(value, sort_keys=True)))
    return rows
