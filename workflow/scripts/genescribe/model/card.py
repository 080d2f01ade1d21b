"""The model card: what a model folder says of itself, in the form of the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

CARD, ORIGIN, METRICS = "README.md", "training.json", "metrics.jsonl"
AVERAGED = "averaged_with"
"""Key of training.json: SHA-256 of each of the weights with which the mean was taken."""
GROWN = "grown_to_encoder_layers"
"""Key of training.json: so many layers the encoder was given after the stage."""

TEMPLATE = """\
---
license: mit
library_name: transformers
tags:
- biology
- genomics
- gene-prediction
- dna
{results}---

# GeneScribe model

Reads DNA in windows of {window} bases and writes their genes: an encoder reads the sequence, a decoder
writes one gene after another and points at the bases where its parts begin and end. {parameters} parameters;
genes {introns} introns; genetic code (NCBI number) {genetic_codes}.{released}

## Use

    from genescribe import annotate_sequence, load_model

    model = load_model("this folder")
    genes = annotate_sequence(model, "ACGT...")

or `genescribe annotate genome.fna.gz --model FOLDER --out genes.gff3`. With `import genescribe.model`,
`AutoConfig` and `AutoModel` of transformers know the folder too; no code is loaded from it.

## Training

{stages}
`training.json` holds all settings; `metrics.jsonl` the losses of the last stage.

## Validation

{validation}
{accuracy}
## Limits

- What it learnt are the annotations above, partly the work of other programs. It shares their errors.
- It is made for genomes like those above. What it does with others must be measured; scores on sequence of a
  genome that it was trained on, or of a near relative, say nothing about that.
- Genes that the annotation language cannot express are never written: frameshifts, trans-splicing, recoded
  stop codons.
- A score is {score}. It is no proof that the gene is there.

## Licence

MIT, weights and code. The sequences and annotations above have terms of their own.{dnabert2}
"""

DNABERT2 = """ The encoder
began with weights of DNABERT-2 (Zhou et al. 2023, arXiv:2306.15006) or of a model made from it; those
published are under the Apache License 2.0, and were changed by the training above."""


def origin(
    settings: Mapping[str, Any], digests: Mapping[str, str], corpus: Path, initial: Path | None
) -> dict[str, Any]:
    """What made a model, for its training.json: settings, digests, genomes, and the same of the model before.

    Args:
        settings: of the training run.
        digests: of what it read.
        corpus: folder of shards that it learnt from.
        initial: model folder that it started from.
    """
    manifest = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    kept = ("name", "domain", "genetic_codes", "bases", "masked_bases", "genes")
    before = None if initial is None else initial / ORIGIN
    return {
        "training": dict(settings),
        "digests": dict(digests),
        "genomes": [{key: genome[key] for key in kept} for genome in manifest["genomes"]],
        "initial": json.loads(before.read_text(encoding="utf-8")) if before and before.is_file() else None,
    }


def write_card(folder: Path, parameters: int, released: str = "", accuracy: str = "") -> None:
    """Write the README.md of a model folder that holds configuration, training.json and metrics.jsonl.

    The same folder gives the same bytes: there is no date in it but that of the release. Figures of
    validation are those of the last stage; where its weights were averaged with others, the card says so.

    Args:
        folder: of the model.
        parameters: how many it has.
        released: date of a release.
        accuracy: Markdown on whole genomes.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    made = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
    events = [json.loads(line) for line in (folder / METRICS).read_text(encoding="utf-8").splitlines()]
    watched = [event for event in events if event["event"] == "val"]
    seen = events[-1]
    stages = [*_stages(made)]
    stages[-1] += f" It read {seen['tokens']:,} tokens (encoder positions), {seen['bases']:,} bases."
    averaged = AVERAGED in made
    text = TEMPLATE.format(
        results=_results(watched[-1]) if watched and not averaged else "",
        window=config["window"],
        parameters=f"{parameters:,}",
        introns="with" if config["introns"] else "without",
        genetic_codes=", ".join(map(str, config["genetic_codes"])),
        stages="".join(f"{number}. {stage}\n" for number, stage in enumerate(stages, start=1)),
        validation=("Before the mean was taken. " if averaged else "")
        + (_validation(watched[-1]) if watched else "None: no corpus was set aside for it."),
        released=f"\nReleased on {released}." if released else "",
        accuracy=f"\n## Accuracy on whole genomes\n\n{accuracy}\n" if accuracy else "",
        score=_score(config.get("calibration")),
        dnabert2=DNABERT2 if _began_with_dnabert2(made) else "",
    )
    (folder / CARD).write_text(text, encoding="utf-8")


def _began_with_dnabert2(made: Mapping[str, Any] | None) -> bool:
    """Whether the first stage took a checkpoint of DNABERT-2."""
    if made is None:
        return False
    return any(name.startswith("encoder/") for name in made["digests"]) or _began_with_dnabert2(
        made["initial"]
    )


def _stages(made: Mapping[str, Any]) -> Iterator[str]:
    """Each stage of training as a sentence, the first one first."""
    before = made["initial"]
    if before is not None:
        yield from _stages(before)
    genomes = ", ".join(
        f"{genome['name']} ({genome['domain']}, {genome['bases']:,} bases, "
        f"{sum(genome['genes'].values()):,} genes)"
        for genome in made["genomes"]
    )
    if before is not None and before["genomes"] == made["genomes"]:
        genomes = "the same genomes"
    digests = ", ".join(f"{name} `{digest}`" for name, digest in sorted(made["digests"].items()))
    masked = made["training"].get("objective") == "masked"
    aim = ", to train the encoder alone on masked bases" if masked else ""
    stage = f"Up to {made['training']['tokens']:,} tokens of {genomes}{aim}. SHA-256: {digests}."
    averaged = ", ".join(f"`{digest}`" for digest in made.get(AVERAGED, ()))
    if averaged:
        stage += f" The weights are the mean of those that it gave and of those with SHA-256 {averaged}."
    if GROWN in made:
        stage += f" Then the encoder was deepened to {made[GROWN]} layers, the new ones adding nothing yet."
    yield stage


def _score(calibration: Mapping[str, Any] | None) -> str:
    if not calibration:
        return "the model's own probability of the whole gene"
    others = calibration.get("stops_alone", ())
    fitted = [name for name in calibration["fitted_on"] if name not in others]
    score = f"the probability that the gene is exactly right, fitted on {_listed(fitted)}"
    written = f". Which genes are written was learnt on {_listed(others)}, too" if others else ""
    return f"{score}; elsewhere it may be off{written}"


def _listed(genomes: Iterable[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in genomes)


_FIGURES = {
    "loss": "loss, all parts",
    "token_loss": "token, nats",
    "pointer_loss": "pointer, nats",
    "exact_f1": "exact F1 of decoded genes, window by window",
    "pointer_accuracy": "pointer accuracy, over all bases of the window",
    "frame_loss": "frame and strand of a base, nats",
    "boundary_loss": "boundaries of a base",
    "masked_accuracy": "letters of masked bases, accuracy",
    "markov_visible_loss": "Markov model of order 5 at the same bases, nats",
}


def _validation(event: Mapping[str, Any]) -> str:
    rows = "".join(
        f"| {name} | {event[key]:.4f} |\n" for key, name in _FIGURES.items() if event.get(key) is not None
    )
    return (
        f"Windows of the validation corpus, after {event['tokens']:,} tokens:\n\n| | |\n| --- | --- |\n{rows}"
    )


def _results(event: Mapping[str, Any]) -> str:
    """The model-index of the hub: YAML, of which JSON is a part."""
    types = {"exact_f1": "f1", "pointer_accuracy": "accuracy"}
    metrics = [
        {"type": kind, "name": _FIGURES[key], "value": event[key]}
        for key, kind in types.items()
        if event.get(key) is not None
    ]
    if not metrics:
        return ""
    result = {
        "task": {"type": "token-classification", "name": "gene prediction"},
        "dataset": {"type": "genescribe", "name": "validation corpus"},
        "metrics": metrics,
    }
    return "model-index: " + json.dumps([{"name": "genescribe", "results": [result]}]) + "\n"
