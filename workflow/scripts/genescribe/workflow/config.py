"""The workflow's configuration: checked before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genescribe.errors import InputError
from genescribe.workflow.schema import first_mistake, load_schema
from genescribe.workflow.species import Species

STAGES = ("pretrain", "finetune")
"""Training stages in their order; each starts from the weights of the one before."""


def check_config(config: dict[str, Any], schema: str | Path) -> None:
    """Check a configuration against its schema, and what a schema cannot say.

    Raises:
        InputError: one line that names the key and says what is wrong.
    """
    mistake = first_mistake(config, load_schema(schema)) or _inconsistency(config)
    if mistake is not None:
        key, message = mistake
        raise InputError(f"configuration: {key}: {message}" if key else f"configuration: {message}")


def check_names(config: dict[str, Any], species: Mapping[str, Species]) -> None:
    """Check that the configuration and the species table fit together.

    Raises:
        InputError: a stage names a species that is not trained on, or there is nothing to annotate with.
    """
    trained = [name for name, one in species.items() if one.has("train")]
    for stage in STAGES:
        for name in config["training"][stage].get("species", []):
            if name not in trained:
                raise InputError(
                    f"configuration: training.{stage}.species: {name} has no training split in "
                    f"{config['species']}; those that have are {', '.join(trained) or 'none'}"
                )
    model = config["annotation"]["model"]
    if model in STAGES and not trained:
        raise InputError(
            f"configuration: annotation.model: {model} needs a species with a training split in "
            f"{config['species']}; add one, or name the folder of a trained model"
        )
    if model not in STAGES and not (Path(model) / "config.json").is_file():
        raise InputError(
            f"configuration: annotation.model: {model} is none of {', '.join(STAGES)} and no model folder"
        )


def _inconsistency(config: dict[str, Any]) -> tuple[str, str] | None:
    patch, window, stride = (
        config["model"]["patch"],
        config["model"]["window"],
        config["annotation"]["stride"],
    )
    if window % patch:
        return "model.window", f"{window} is not a multiple of model.patch ({patch})"
    if stride % patch:
        return "annotation.stride", f"{stride} is not a multiple of model.patch ({patch})"
    if stride > window:
        return "annotation.stride", f"{stride} is more than model.window ({window}): it would leave gaps"
    return None
