"""The configuration and its schema."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from genescribe.errors import InputError
from genescribe.model.configuration import GeneScribeConfig
from genescribe.training.config import TrainingConfig
from genescribe.workflow.config import STAGES, check_config, check_names
from genescribe.workflow.schema import load_schema
from genescribe.workflow.species import Species, read_species
from jsonschema import Draft202012Validator

Config = dict[str, Any]
Load = Callable[..., Config]


def tables(config: Config, schemas: Path) -> tuple[dict[str, Species], dict[str, Species]]:
    """Species table and training table."""
    row = schemas / "species.schema.yaml"
    return read_species(config["species"], row), read_species(config["training"]["species_table"], row)


@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml"])
def test_shipped_configuration_is_valid(
    name: str, load_config: Load, schemas: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    config = load_config(name)
    check_config(config, schemas / "config.schema.yaml")
    check_names(config, *tables(config, schemas))


@pytest.mark.parametrize("name", ["config.schema.yaml", "species.schema.yaml"])
def test_schema_is_a_strict_draft_2020_12_schema(name: str, schemas: Path) -> None:
    schema = load_schema(schemas / name)
    assert schema["$schema"].endswith("draft/2020-12/schema")
    Draft202012Validator.check_schema(schema)
    waiting, objects = [schema], 0
    while waiting:
        node = waiting.pop()
        if node.get("type") == "object":
            objects += 1
            assert node["additionalProperties"] is False
        waiting += [value for value in node.values() if isinstance(value, dict)]
    assert objects >= 1


def test_schema_names_what_the_trainer_and_the_model_take(schemas: Path) -> None:
    definitions = load_schema(schemas / "config.schema.yaml")["$defs"]
    trainer = {field.name for field in dataclasses.fields(TrainingConfig)} - {"seed", "threads", "objective"}
    only_masked, only_genes = set(TrainingConfig.ONLY_MASKED), set(TrainingConfig.ONLY_GENES)
    assert set(definitions["stage"]["properties"]) == trainer - only_masked | {"species", "preset"}
    assert set(definitions["masked"]["properties"]) == trainer - only_genes | {"preset"}
    model = set(inspect.signature(GeneScribeConfig.__init__).parameters) - {"self", "kwargs"}
    assert set(definitions["model"]["properties"]) == model - {"genetic_codes", "introns", "calibration"}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml"])
def test_trainer_takes_the_stage(name: str, stage: str, load_config: Load) -> None:
    settings = load_config(name)["training"][stage]
    settings.pop("species", None)
    TrainingConfig.from_mapping(settings)


def test_model_takes_its_sizes(load_config: Load) -> None:
    GeneScribeConfig(**load_config("demo.yaml")["model"])


def edit(config: Config, key: str, value: object) -> None:
    *above, last = key.split(".")
    for part in above:
        config = config[part]
    config[last] = value


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("spices", "a.tsv", "unknown key spices; did you mean species?"),
        (
            "training.pretrain.rate",
            1e-3,
            "training.pretrain: unknown key rate; known are species, tokens",
        ),
        (
            "training.pretrain.tokens",
            "2e6",
            "training.pretrain.tokens: '2e6' is not a whole number",
        ),
        ("training.pretrain.tokens", 0, "training.pretrain.tokens: 0 is less than the minimum of 1"),
        (
            "download.api",
            "api.ncbi.nlm.nih.gov",
            "download.api: 'api.ncbi.nlm.nih.gov' is not an address that",
        ),
        ("download.digests", "", "download.digests: '' should be non-empty"),
        ("training.species_table", 3, "training.species_table: 3 is not text"),
        ("device", "gpu", "device: 'gpu' is not one of auto, cpu, cuda, mps"),
        ("run", "my run", "run: 'my run' is not a name of letters"),
        ("benchmark.predictors", ["glimmer"], "'glimmer' is not one of augustus, prodigal"),
        ("training.finetune.species", "E_coli", "species: 'E_coli' is not a list, such as [a, b]"),
        ("training", None, "training: is empty; it should be a group of keys"),
        (
            "annotation.min_score",
            "0.5",
            "annotation.min_score: '0.5' is not a number, such as 0.002 or null; write it without",
        ),
        ("model.moe", {"experts": 4}, "model.moe: key top_k is missing"),
        ("model.moe", {"experts": 4, "top_k": 0}, "model.moe.top_k: 0 is less than the minimum of 1"),
        (
            "model.moe",
            {"experts": 4, "top_k": 1, "size": 2},
            "model.moe: unknown key size; known are",
        ),
        ("model.moe", {"experts": 4, "top_k": 5}, "model.moe.top_k: 5 is more than model.moe.experts (4)"),
        ("training.pretrain.balance_weight", -1, "balance_weight: -1 is less than the minimum of 0"),
        ("model.heads", 5, "model.heads: 5 does not divide model.width (192)"),
        ("model.window", 6140, "model.window: 6140 is not a multiple of model.patch (12)"),
        ("annotation.stride", 100, "annotation.stride: 100 is not a multiple of model.patch (12)"),
        ("annotation.stride", 61440, "annotation.stride: 61440 is more than model.window (9216)"),
        ("training.masked", {}, "training.masked: key tokens is missing"),
        ("training.masked", {"tokens": 9, "patience": 2}, "training.masked: unknown key patience"),
        (
            "training.masked",
            {"tokens": 9, "masked_fraction": 0.9},
            "training.masked.masked_fraction: 0.9 is greater than the maximum of 0.5",
        ),
        # The demo starts from weights.
        ("training.masked", {"tokens": 9}, "training.masked: comes before pretrain, which training.initial"),
    ],
)
def test_mistake_is_told_in_one_line(
    key: str, value: object, message: str, load_config: Load, schemas: Path
) -> None:
    config = load_config("demo.yaml")
    edit(config, key, value)
    with pytest.raises(InputError) as error:
        check_config(config, schemas / "config.schema.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_masked_bases_are_for_the_compact_encoder(load_config: Load, schemas: Path) -> None:
    config = load_config()
    edit(config, "training.masked", {"tokens": 9})
    check_config(config, schemas / "config.schema.yaml")
    edit(config, "model.encoder", "dnabert2")
    with pytest.raises(InputError, match=r"training\.masked: is for model\.encoder: compact"):
        check_config(config, schemas / "config.schema.yaml")


def test_missing_key_is_named(load_config: Load, schemas: Path) -> None:
    config = load_config("demo.yaml")
    del config["annotation"]["stride"]
    with pytest.raises(InputError, match="annotation: key stride is missing"):
        check_config(config, schemas / "config.schema.yaml")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "training.finetune.species",
            ["Homo_sapiens"],
            "training.finetune.species: Homo_sapiens has no training",
        ),
        (
            "annotation.model",
            "no/such/folder",
            "no/such/folder is none of pretrain, finetune and no model folder",
        ),
        (
            "training.initial",
            "no/such/folder",
            r"configuration: training\.initial: no/such/folder is no model folder; one holds config.json and",
        ),
        ("download.mirror", "no/mirror", r"configuration: download\.mirror: no such folder: no/mirror"),
    ],
)
def test_configuration_must_fit_the_table(
    key: str,
    value: object,
    message: str,
    load_config: Load,
    schemas: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(root)
    config = load_config("demo.yaml")
    edit(config, key, value)
    with pytest.raises(InputError, match=message):
        check_names(config, *tables(config, schemas))


def test_a_stage_as_model_needs_something_to_train_on(
    load_config: Load, schemas: Path, tmp_path: Path
) -> None:
    fasta, table = tmp_path / "a.fna", tmp_path / "species.tsv"
    fasta.write_text(">a\nACGT\n")
    table.write_text(f"name\tfasta\tdomain\tgenetic_code\tsplit\na\t{fasta}\tbacteria\t11\tannotate\n")
    species = read_species(table, schemas / "species.schema.yaml")
    with pytest.raises(InputError, match=r"annotation\.model: finetune needs a species with a training"):
        check_names(load_config("demo.yaml"), species, species)


def test_pretrain_is_no_model_where_training_starts_from_one(
    load_config: Load, schemas: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    config = load_config("demo.yaml")
    edit(config, "training.initial", "weights")
    edit(config, "annotation.model", "pretrain")
    with pytest.raises(InputError, match=r"annotation\.model: pretrain is left out where training\.initial"):
        check_names(config, *tables(config, schemas))


def test_a_model_without_introns_learns_from_no_eukaryote(
    load_config: Load, schemas: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"introns": false}')
    fasta, gff, table = tmp_path / "a.fna", tmp_path / "a.gff3", tmp_path / "species.tsv"
    fasta.write_text(">a\nACGT\n")
    gff.write_text("##gff-version 3\n")
    table.write_text(
        f"name\tfasta\tgff\tdomain\tgenetic_code\tsplit\nyeast\t{fasta}\t{gff}\tfungi\t1\ttrain\n"
    )
    species = read_species(table, schemas / "species.schema.yaml")
    config = load_config("demo.yaml")
    edit(config, "training.initial", str(tmp_path))
    with pytest.raises(
        InputError, match=r"yeast: column domain: fungi, but the model in .* writes no introns"
    ):
        check_names(config, {}, species)


@pytest.fixture
def compare(
    load_config: Load, schemas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Check a species table against a training table of one line each, `name accession split domain`."""
    monkeypatch.chdir(tmp_path)
    header = "name\taccession\tsplit\tdomain\tgenetic_code"
    codes = {"bacteria": "11", "fungi": "1"}

    def run(species: str, training: str, model: str = "finetune", mirror: str = "") -> None:
        config = load_config()
        edit(config, "annotation.model", model)
        edit(config, "download.mirror", mirror)
        for key, line in (("species", species), ("training.species_table", training)):
            cells = line.split()
            path = tmp_path / f"{key}.tsv"
            path.write_text(header + "\n" + "\t".join([*cells, codes[cells[-1]]]) + "\n")
            edit(config, key, path.name)
        check_names(config, *tables(config, schemas))

    return run


def test_a_name_in_both_tables_means_the_same(compare: Callable[..., None]) -> None:
    line = "coli GCF_000005845.2 train=a;test=b bacteria"
    compare(line, line)
    with pytest.raises(InputError, match=r"species.tsv: coli differs from the line of that name in training"):
        compare("coli GCF_000005845.2 test bacteria", line)


def test_what_is_trained_on_is_not_tested_under_another_name(compare: Callable[..., None]) -> None:
    training = "coli GCF_000005845.2 train bacteria"
    compare("mine GCF_000005845.2 annotate bacteria", training)
    compare("mine GCF_000005845.3 test bacteria", training)
    with pytest.raises(
        InputError, match=r"species.tsv: mine: column split: is tested, but .* trains on it as coli"
    ):
        compare("mine GCF_000005845.2 test bacteria", training)


def test_model_without_introns_is_not_for_eukaryotes(compare: Callable[..., None], tmp_path: Path) -> None:
    training = "coli GCF_000005845.2 train bacteria"
    (tmp_path / "model").mkdir()
    description = tmp_path / "model" / "config.json"
    description.write_text('{"introns": false}')
    compare("subtilis GCF_000009045.1 test bacteria", training, "model")
    with pytest.raises(
        InputError, match=r"yeast: column domain: fungi, but the model in model writes no intr"
    ):
        compare("yeast GCF_000146045.2 annotate fungi", training, "model")
    description.write_text('{"introns": true}')
    compare("yeast GCF_000146045.2 annotate fungi", training, "model")


def test_a_sequence_is_downloaded_from_a_mirror_alone(compare: Callable[..., None], tmp_path: Path) -> None:
    lines = ("one NC_000913.3 test bacteria", "coli GCF_000005845.2 train bacteria")
    (tmp_path / "mirror").mkdir()
    compare(*lines, mirror="mirror")
    with pytest.raises(InputError, match=r"species.tsv: one: column accession: NC_000913.3 is a sequence"):
        compare(*lines)
    with pytest.raises(InputError, match=r"training.species_table.tsv: one: column accession"):
        compare("subtilis GCF_000009045.1 test bacteria", "one NC_000913.3 train bacteria")


def test_demo_overrides_keys_of_the_default_alone(root: Path) -> None:
    def keys(config: Config, above: str = "") -> set[str]:
        found = set()
        for key, value in config.items():
            found |= {above + key} | (keys(value, f"{above}{key}.") if isinstance(value, dict) else set())
        return found

    default = yaml.safe_load((root / "config" / "config.yaml").read_text())
    demo = yaml.safe_load((root / "config" / "demo.yaml").read_text())
    assert keys(demo) <= keys(default)


def test_every_key_is_documented(root: Path, schemas: Path) -> None:
    manual = (root / "config" / "README.md").read_text()
    schema = load_schema(schemas / "config.schema.yaml")
    keys = set(schema["properties"])
    for name in ("download", "training", "annotation", "benchmark"):
        keys |= set(schema["properties"][name]["properties"])
    for name in ("model", "stage", "masked"):
        keys |= set(schema["$defs"][name]["properties"])
    keys |= set(load_schema(schemas / "species.schema.yaml")["properties"])
    assert [key for key in sorted(keys) if f"`{key}`" not in manual] == []
