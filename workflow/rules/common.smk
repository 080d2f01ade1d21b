# Configuration and species table, checked, and the input functions of all rules. What they say comes from `Plan`.
import os
import re
import shlex
import sys
from pathlib import Path

from snakemake import __version__ as SNAKEMAKE
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

WORKFLOW = Path(
    workflow.current_basedir.get_path_or_uri(secret_free=True)
).parent.resolve()
sys.path.insert(0, str(WORKFLOW / "scripts"))
from genescribe.errors import InputError
from genescribe.workflow.code_files import code_files
from genescribe.workflow.config import MASKED, STAGES, check_config, check_names
from genescribe.workflow.plan import Plan
from genescribe.workflow.species import read_species

try:
    check_config(config, WORKFLOW / "schemas/config.schema.yaml")
    ROW = WORKFLOW / "schemas/species.schema.yaml"
    PLAN = Plan(
        config,
        read_species(config["species"], ROW),
        read_species(
            config["training"]["species_table"], ROW, "training.species_table"
        ),
    )
    check_names(config, PLAN.species, PLAN.training)
except InputError as error:
    raise WorkflowError(str(error)) from None

# Inside conda environments Snakemake unsets PYTHONPATH, so every command sets it.
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(WORKFLOW / 'scripts'))}; "
)

SPECIES = PLAN.genomes
REPORT = f"results/report/{config['run']}.html"
# Environments with torch come in two builds; one solved without a GPU would lose CUDA.
TORCH = "-cuda" if config["device"] == "cuda" else ""
# With conda every phase has an environment of its own; the report reads versions from their pins.
ENVIRONMENTS = (
    sorted(map(os.path.relpath, (WORKFLOW.parent / "envs").glob("*.yaml")))
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    else []
)


def one_of(names):
    """A regular expression that matches these names alone; nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    species=one_of(SPECIES),
    stage=one_of([MASKED, *STAGES]),
    split="train|val",
    control=one_of(PLAN.controls),
    one=one_of(PLAN.programs),
    two=one_of(PLAN.programs),
    chunk=r"\d+",
    chunks=r"\d+",


def code(*entries):
    """Files of the package that these modules or commands run; a change of their content reruns a job."""
    return code_files(
        [f"genescribe.{entry}" for entry in entries],
        os.path.relpath(WORKFLOW / "scripts"),
    )


def folder_option(option, file):
    """An option with the folder of a file, or nothing where there is no such input."""
    return [option, os.path.dirname(str(file))] if file else []


def annotations(wildcards):
    """GFF3 of every species that is annotated."""
    return expand(
        "results/annotation/{species}/genescribe.gff3", species=PLAN.annotated
    )


def score_tables(wildcards):
    """Score table of every species that has a reference annotation."""
    return expand("results/benchmark/{species}/scores.tsv", species=PLAN.scored)


def accuracy_command():
    """What a person types to make the page of the rule accuracy on as many cores as it tells of."""
    files = [os.path.relpath(file) for file in workflow.configfiles]
    own = [file for file in files if file != "config/config.yaml"]
    # The target comes first: --configfile takes all words that follow.
    words = ["snakemake accuracy --cores", str(config["annotation"]["threads"])]
    return " ".join([*words, *(["--configfile", *own] if own else [])])


def genome_files(species, split):
    """Files of normalised genomes of which a split is learned from or calibrated on."""
    files = ["genome.fna", "annotation.gff3", "left_out.tsv", "summary.json"]
    return expand(
        "results/genomes/{species}/{file}",
        species=species,
        file=[*files, f"regions/{split}.bed"],
    )


def validation_shards(wildcards):
    """Shards that a training stage watches; none where no species has a validation split."""
    stage = PLAN.corpus(wildcards.stage)
    if not PLAN.stage_species(stage, "val"):
        return []
    return f"results/corpus/{wildcards.run}/{stage}/val/manifest.json"


def calibration_file(wildcards):
    """Calibration of the model that annotates; else the configuration of the model, which may carry one."""
    return f"{PLAN.model}/{'calibration' if PLAN.calibrates else 'config'}.json"


def min_score_option(score):
    """The option for a least score, or nothing where the calibration decides."""
    return [] if score is None else ["--min-score", score]


def chunk_files(wildcards):
    """Decoded windows of a species, one file a chunk."""
    return chunks_in(f"results/annotation/{wildcards.species}/chunks")


def control_chunk_files(wildcards):
    """Decoded windows of a species by a control, one file a chunk."""
    return chunks_in(
        f"results/benchmark/{wildcards.species}/chunks/{wildcards.control}"
    )


def chunks_in(folder):
    """As many chunk files as are configured."""
    chunks = config["annotation"]["chunks"]
    return [f"{folder}/{chunk}-of-{chunks}.jsonl" for chunk in range(chunks)]
