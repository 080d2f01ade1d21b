# Configuration, species table, and the input functions of all rules.
import json
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(
    workflow.current_basedir.get_path_or_uri(secret_free=True)
).parent.resolve()
sys.path.insert(0, str(WORKFLOW / "scripts"))
from genescribe.errors import InputError
from genescribe.workflow.code_files import code_files
from genescribe.workflow.config import STAGES, check_config, check_names
from genescribe.workflow.species import read_species

try:
    check_config(config, WORKFLOW / "schemas/config.schema.yaml")
    SPECIES = read_species(
        config["species"], WORKFLOW / "schemas/species.schema.yaml"
    )
    check_names(config, SPECIES)
except InputError as error:
    raise WorkflowError(str(error)) from None

# Inside conda environments Snakemake unsets PYTHONPATH, so every command sets it.
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(WORKFLOW / 'scripts'))}; "
)

ANNOTATED = [name for name, species in SPECIES.items() if species.has("test")]
SCORED = [name for name in ANNOTATED if SPECIES[name].gff]
REPORT = f"results/report/{config['run']}.html"
# Environments with torch come in two builds; one solved without a GPU would lose CUDA.
TORCH = "-cuda" if config["device"] == "cuda" else ""
GENES = {
    "gff3": "genescribe.gff3",
    "gtf": "genescribe.gtf",
    "proteins": "proteins.faa",
    "cds": "cds.fna",
    "counts": "counts.json",
}


wildcard_constraints:
    species="|".join(map(re.escape, SPECIES)),
    stage="|".join(STAGES),
    split="train|val",
    chunk=r"\d+",
    chunks=r"\d+",


def code(*modules):
    """Files of the package that these modules run: a change of their content reruns the rule."""
    return code_files(
        [f"genescribe.{name}" for name in modules],
        os.path.relpath(WORKFLOW / "scripts"),
    )


def folder_option(option, file):
    """An option with the folder of a file, or nothing where there is no such input."""
    return [option, os.path.dirname(str(file))] if file else []


def annotations(wildcards):
    """GFF3 of every species that is annotated."""
    return expand("results/annotation/{species}/genescribe.gff3", species=ANNOTATED)


def score_tables(wildcards):
    """Score table of every species that has a reference annotation."""
    return expand("results/benchmark/{species}/scores.tsv", species=SCORED)


def stage_species(stage, split):
    """Names of the species whose `split` belongs to a training stage."""
    wanted = config["training"][stage].get("species", SPECIES)
    return [name for name in wanted if SPECIES[name].has(split)]


def corpus_spec(wildcards):
    """What a corpus is made of, as JSON for `genescribe shards`."""
    genomes = [
        {
            "name": name,
            "folder": f"results/genomes/{name}",
            "regions": f"results/genomes/{name}/regions/{wildcards.split}.bed",
            "domain": "prokaryote" if SPECIES[name].is_prokaryote else "eukaryote",
        }
        for name in stage_species(wildcards.stage, wildcards.split)
    ]
    return json.dumps({"genomes": genomes})


def corpus_inputs(wildcards):
    """Files of the normalised genomes that a corpus is cut from."""
    return expand(
        [
            "results/genomes/{species}/genome.fna",
            "results/genomes/{species}/annotation.gff3",
            "results/genomes/{species}/summary.json",
            "results/genomes/{species}/regions/{split}.bed",
        ],
        species=stage_species(wildcards.stage, wildcards.split),
        split=wildcards.split,
    )


def training_settings(wildcards):
    """Settings of a training stage, as JSON for `genescribe train`. A stage that starts from a model has its sizes."""
    stage = dict(config["training"][wildcards.stage])
    stage.pop("species", None)
    settings = {"training": {"seed": config["seed"], **stage}}
    if wildcards.stage == STAGES[0]:
        trained = [species for species in SPECIES.values() if species.has("train")]
        settings["model"] = {
            **config["model"],
            "genetic_codes": sorted({species.genetic_code for species in trained}),
            "introns": not all(species.is_prokaryote for species in trained),
        }
    return json.dumps(settings)


def initial_weights(wildcards):
    """Weights that a training stage starts from: those of the stage before it."""
    before = STAGES.index(wildcards.stage) - 1
    if before < 0:
        return []
    return f"results/models/{wildcards.run}/{STAGES[before]}/model.safetensors"


def validation_shards(wildcards):
    """Shards that a training stage watches; none where no species has a validation split."""
    if not stage_species(wildcards.stage, "val"):
        return []
    return f"results/corpus/{wildcards.run}/{wildcards.stage}/val/manifest.json"


def model_folder(wildcards):
    """Folder of the model that annotates: a stage of this run, or one that the configuration names."""
    model = config["annotation"]["model"]
    return f"results/models/{config['run']}/{model}" if model in STAGES else model


def model_weights(wildcards):
    """Weights of the model that annotates."""
    return f"{model_folder(wildcards)}/model.safetensors"


def chunk_files(wildcards):
    """Decoded windows of a species, one file a chunk."""
    chunks = config["annotation"]["chunks"]
    return expand(
        "results/annotation/{species}/chunks/{chunk}-of-{chunks}.jsonl",
        species=wildcards.species,
        chunk=range(chunks),
        chunks=chunks,
    )
