"""What a model's folder says of the model; does not import torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from genescribe.errors import InputError


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What must be known of a model before windows are cut.

    Attributes:
        window: nucleotides per window.
        introns: whether the model writes introns.
    """

    window: int
    introns: bool


def read_model_folder(path: Path) -> ModelFolder:
    """Read a model's config.json, and see to it that there are weights beside it.

    Raises:
        InputError: the folder holds no GeneScribe model.
    """
    config = path / "config.json"
    if not config.is_file() or not any(path.glob("model*.safetensors")):
        raise InputError("not a model folder: it must hold config.json and model.safetensors", path)
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        return ModelFolder(int(content["window"]), bool(content["introns"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"this model cannot be read: {type(error).__name__}: {error}", config) from error


def bundled_model(name: str = "prokaryotes") -> Path:
    """Folder of weights that come with GeneScribe: in an installed package, or in the repository.

    Raises:
        InputError: there are none of this name.
    """
    package = Path(__file__).resolve().parent.parent
    for models in (package / "models", package.parents[2] / "resources" / "models"):
        if (models / name / "config.json").is_file():
            return models / name
    raise InputError(f"no weights named {name} come with this installation; give --model DIR")
