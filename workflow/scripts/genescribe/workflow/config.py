"""The workflow's configuration: checked before anything is planned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from genescribe.errors import InputError
from genescribe.genomes.accessions import is_assembly
from genescribe.workflow.schema import first_mistake, load_schema
from genescribe.workflow.species import Species

STAGES = ("pretrain", "finetune")
"""Training stages in their order; each starts from the weights of the one before."""

MASKED = "masked"
"""The stage of masked language modelling, before all others; there is one only where it is configured."""


def check_config(config: dict[str, Any], schema: str | Path) -> None:
    """Check a configuration against its schema, and what a schema cannot say.

    Raises:
        InputError: one line that names the key and says what is wrong.
    """
    mistake = first_mistake(config, load_schema(schema)) or _inconsistency(config)
    if mistake is not None:
        key, message = mistake
        raise InputError(f"configuration: {key}: {message}" if key else f"configuration: {message}")


def check_names(
    config: dict[str, Any], species: Mapping[str, Species], training: Mapping[str, Species]
) -> None:
    """Check that the configuration, the species table and the training table fit together.

    Args:
        config: the checked configuration.
        species: the species table: what is annotated.
        training: the training table: what is learned from.

    Raises:
        InputError: a stage names a species that is not trained on, there is nothing to annotate with, the two
            tables contradict each other, or a genome can neither be downloaded nor is it in a mirror.
    """
    table, training_table = config["species"], config["training"]["species_table"]
    trained = [name for name, one in training.items() if one.has("train")]
    for stage in STAGES:
        for name in config["training"][stage].get("species", []):
            if name not in trained:
                raise InputError(
                    f"configuration: training.{stage}.species: {name} has no training split in "
                    f"{training_table}; those that have are {', '.join(trained) or 'none'}"
                )
    for name, one in species.items():
        if name in training and training[name] != one:
            raise InputError(f"{name} differs from the line of that name in {training_table}", table)
    _check_model(config, species, training)
    mirror = config["download"]["mirror"]
    if mirror and not Path(mirror).is_dir():
        raise InputError(f"configuration: download.mirror: no such folder: {mirror}")
    for path, rows in ((training_table, training), (table, species)):
        for name, one in rows.items():
            if one.downloaded and not mirror and not is_assembly(str(one.accession)):
                raise InputError(
                    f"{name}: column accession: {one.accession} is a sequence, and NCBI Datasets has "
                    "assemblies, such as GCF_000005845.2; name one, or a local FASTA",
                    path,
                )


def _check_model(
    config: dict[str, Any], species: Mapping[str, Species], training: Mapping[str, Species]
) -> None:
    model = config["annotation"]["model"]
    table, training_table = config["species"], config["training"]["species_table"]
    if model not in STAGES:
        tested = [one for one in species.values() if one.has("test")]
        _check_folder("annotation.model", model, tested, table)
        return
    trained = [one for one in training.values() if one.has("train")]
    if not trained:
        raise InputError(
            f"configuration: annotation.model: {model} needs a species with a training split in "
            f"{training_table}; add one, or name the folder of a trained model"
        )
    if config["training"]["initial"]:
        if model == STAGES[0]:
            raise InputError(
                f"configuration: annotation.model: {model} is left out where training.initial names a model; "
                f"say {STAGES[1]}"
            )
        wanted = config["training"][STAGES[1]].get("species", training)
        learned = [one for one in trained if one.name in wanted]
        _check_folder("training.initial", config["training"]["initial"], learned, training_table)
    for one in species.values():
        for other in trained:
            if one.name != other.name and one.gff and one.has("test") and one.is_same_genome(other):
                raise InputError(
                    f"{one.name}: column split: is tested, but {training_table} trains on it as "
                    f"{other.name}; test another genome, or set it to annotate and leave gff empty",
                    table,
                )


def _check_folder(key: str, folder: str, species: Iterable[Species], table: str) -> None:
    """Check that a key names the folder of a model that can write the genes of these species."""
    description = Path(folder) / "config.json"
    if not description.is_file():
        stages = f"none of {', '.join(STAGES)} and " if key == "annotation.model" else ""
        raise InputError(
            f"configuration: {key}: {folder} is {stages}no model folder; one holds config.json and "
            "model.safetensors"
        )
    if json.loads(description.read_text(encoding="utf-8")).get("introns", False):
        return
    for one in species:
        if one.kind == "eukaryote":
            raise InputError(
                f"{one.name}: column domain: {one.domain}, but the model in {folder} writes no introns; "
                f"leave the line out, or name another model ({key})",
                table,
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
    is_dnabert2 = config["model"].get("encoder") == "dnabert2"
    if config["training"]["dnabert2"] and not is_dnabert2:
        return "training.dnabert2", "a checkpoint of DNABERT-2 needs model.encoder: dnabert2"
    if config["model"].get("dnabert2") and not is_dnabert2:
        return "model.dnabert2", "these sizes need model.encoder: dnabert2"
    if config["training"]["dnabert2"] and config["model"].get("dnabert2"):
        return "model.dnabert2", "the checkpoint training.dnabert2 has sizes of its own; leave these out"
    if MASKED in config["training"] and is_dnabert2:
        return (
            "training.masked",
            "is for model.encoder: compact; BPE tokens tell of the letters below the mask",
        )
    if MASKED in config["training"] and config["training"]["initial"]:
        return (
            "training.masked",
            "comes before pretrain, which training.initial leaves out; remove one of them",
        )
    width, heads = config["model"].get("width"), config["model"].get("heads")
    if width and heads and width % heads:
        return "model.heads", f"{heads} does not divide model.width ({width})"
    moe = config["model"].get("moe")
    if moe and moe["top_k"] > moe["experts"]:
        return "model.moe.top_k", f"{moe['top_k']} is more than model.moe.experts ({moe['experts']})"
    if stride > window:
        return "annotation.stride", f"{stride} is more than model.window ({window}): it would leave gaps"
    return None
