"""What a configuration and a species table ask for: settings of commands and the files that rules read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from genescribe.workflow.config import MASKED, STAGES
from genescribe.workflow.species import Species

PRODUCT = "genescribe"
"""Our own row in every table, beside those of other programs."""

WITHIN_SPECIES = (
    "The model was trained on other regions of this same genome: the figures say how well it learned this "
    "species, not how it does on a new one."
)


@dataclass(frozen=True)
class Plan:
    """The configured run. Paths are relative to the working directory.

    Attributes:
        config: the checked configuration.
        species: the species table by name: what is annotated and scored.
        training: the training table by name: what is learned from.
    """

    config: dict[str, Any]
    species: Mapping[str, Species]
    training: Mapping[str, Species]

    @property
    def genomes(self) -> dict[str, Species]:
        """Both tables; where they share a name, they share the line."""
        return {**self.training, **self.species}

    @property
    def downloads(self) -> dict[str, bool]:
        """Accessions to fetch, and whether their annotation is needed."""
        rows = [one for one in self.genomes.values() if one.downloaded and one.accession]
        return {str(one.accession): any(row.gff for row in rows if row.fasta == one.fasta) for one in rows}

    @property
    def download_source(self) -> list[str]:
        """Options of `genescribe fetch`: the local mirror, or the address of NCBI Datasets."""
        download = self.config["download"]
        return ["--mirror", download["mirror"]] if download["mirror"] else ["--api", download["api"]]

    @property
    def annotated(self) -> list[str]:
        """Species whose test regions are annotated."""
        return [name for name, one in self.species.items() if one.has("test")]

    @property
    def scored(self) -> list[str]:
        """Annotated species that have a reference."""
        return [name for name in self.annotated if self.species[name].gff]

    @property
    def controls(self) -> list[str]:
        """Control rows."""
        return list(self.config["benchmark"]["controls"])

    @property
    def model(self) -> str:
        """Folder of the model that annotates: a stage of this run, or one that the configuration names."""
        model: str = self.config["annotation"]["model"]
        return f"results/models/{self.config['run']}/{model}" if model in STAGES else model

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages that the run trains: fine-tuning alone where it starts from a model that is named, masked
        language modelling only where it is configured."""
        if self.config["training"]["initial"]:
            return STAGES[1:]
        return (MASKED, *STAGES) if MASKED in self.config["training"] else STAGES

    def initial_weights(self, stage: str) -> str | None:
        """Weights that a training stage starts from; None for new ones."""
        place = self.stages.index(stage) if stage in self.stages else 0
        before = f"results/models/{self.config['run']}/{self.stages[place - 1]}" if place else ""
        initial = before or (self.config["training"]["initial"] if stage != STAGES[0] else "")
        return f"{initial}/model.safetensors" if initial else None

    def corpus(self, stage: str) -> str:
        """Stage whose shards a training stage reads: its own, or for masked language modelling those of
        pre-training."""
        return STAGES[0] if stage == MASKED else stage

    def tokenizer(self, stage: str) -> str | None:
        """Tokenizer that a training stage needs: of a new encoder dnabert2 which no checkpoint brings."""
        wanted = self.config["model"].get("encoder") == "dnabert2" and not self.config["training"]["dnabert2"]
        return (
            f"results/models/{self.config['run']}/tokenizer.json" if stage == STAGES[0] and wanted else None
        )

    def dnabert2_options(self, stage: str, tokenizer: str) -> list[str]:
        """Options of `genescribe train` for a new encoder dnabert2.

        Args:
            stage: of training.
            tokenizer: file that `tokenizer` names; empty for none.
        """
        if tokenizer:
            return ["--tokenizer", tokenizer]
        checkpoint = self.config["training"]["dnabert2"]
        return ["--encoder", checkpoint] if stage == STAGES[0] and checkpoint else []

    @property
    def trains(self) -> bool:
        """Whether the run trains the model that annotates."""
        return self.config["annotation"]["model"] in STAGES

    def stage_species(self, stage: str, split: str) -> list[str]:
        """Species whose `split` (train or val) belongs to a training stage."""
        wanted = self.config["training"][stage].get("species", self.training)
        return [name for name in wanted if self.training[name].has(split)]

    def corpus_spec(self, stage: str, split: str) -> str:
        """What a corpus is made of, as JSON for `genescribe shards`."""
        genomes = [
            {
                "name": name,
                "folder": f"results/genomes/{name}",
                "regions": f"results/genomes/{name}/regions/{split}.bed",
                "domain": self.training[name].kind,
                "doubtful_starts": self.training[name].doubtful_starts,
            }
            for name in self.stage_species(stage, split)
        ]
        return json.dumps({"genomes": genomes})

    def training_settings(self, stage: str) -> str:
        """Settings of a training stage, as JSON for `genescribe train`.

        A stage that starts from a model has its sizes from there.
        """
        training = {key: value for key, value in self.config["training"][stage].items() if key != "species"}
        if stage == MASKED:
            training["objective"] = "masked"
        settings = {"training": {"seed": self.config["seed"], **training}}
        if self.initial_weights(stage) is None:
            trained = [one for one in self.training.values() if one.has("train")]
            settings["model"] = {
                **self.config["model"],
                "genetic_codes": sorted(set().union(*(one.genetic_codes for one in trained))),
                "introns": any(one.kind == "eukaryote" for one in trained),
            }
        return json.dumps(settings)

    def calibration_options(self, stage: str) -> list[str]:
        """Genomes that a stage watches, their regions and doubtful starts, as `genescribe calibrate` takes
        them."""
        options = []
        for species in self.stage_species(stage, "val"):
            folder = f"results/genomes/{species}"
            options += ["--genome", folder, "--regions", f"{folder}/regions/val.bed"]
            if self.training[species].doubtful_starts:
                options += ["--doubtful-starts", folder]
        return options

    @property
    def calibrates(self) -> bool:
        """Whether the run calibrates the model that annotates."""
        return self.trains and bool(self.stage_species(self.config["annotation"]["model"], "val"))

    def control_min_score(self, control: str) -> float | None:
        """`min_score` of a control: that of the product, none for random weights.

        They find every gene improbable; what the grammar alone gives is the point of that row.
        """
        least: float | None = self.config["annotation"]["min_score"]
        return 0.0 if control == "random_weights" else least

    def predictors(self, species: str) -> list[str]:
        """Our own row first, then programs that can run: AUGUSTUS needs parameters, Prodigal a prokaryote."""
        one = self.species[species]
        able = {"augustus": one.augustus_species is not None, "prodigal": one.kind == "prokaryote"}
        return [PRODUCT, *(name for name in self.config["benchmark"]["predictors"] if able[name])]

    @property
    def programs(self) -> list[str]:
        """Our own row and every program that is configured."""
        return [PRODUCT, *self.config["benchmark"]["predictors"]]

    def pairs(self, species: str) -> list[dict[str, str]]:
        """Every two programs of a species, with the table that compares the first with the second."""
        return [
            {"predictor": one, "base": two, "genes": f"results/benchmark/{species}/pairs/{one}-{two}.tsv"}
            for one, two in combinations(self.predictors(species), 2)
        ]

    def prediction(self, species: str, predictor: str) -> str:
        """GFF3 of a predictor or control."""
        if predictor == PRODUCT:
            return f"results/annotation/{species}/genescribe.gff3"
        return f"results/benchmark/{species}/{predictor}.gff3"

    def scores(self, species: str, pattern: str) -> list[str]:
        """One file for each row of a species's table; `pattern` is such as `scores/{}.json`."""
        rows = [*self.predictors(species), *self.controls]
        return [f"results/benchmark/{species}/{pattern.format(row)}" for row in rows]

    def report_inputs(self) -> list[str]:
        """Files that the report shows and a rule makes."""
        settings = self._report()
        files = [stage["metrics"] for stage in settings["training"]]
        for one in settings["species"]:
            files += [*one.get("scores", []), *(pair["genes"] for pair in one["pairs"])]
            for key in ("predictions", "controls", "gene_tables", "gffcompare"):
                files += one.get(key, {}).values()
            files += [one[key] for key in ("summary", "regions", "reference", "left_out") if key in one]
        return files

    def report_settings(self, versions: Mapping[str, str]) -> str:
        """What the report shows, as JSON for `genescribe report`, with versions that are known beforehand."""
        return json.dumps({**self._report(), "versions": dict(versions)})

    def accuracy_inputs(self) -> list[str]:
        """Files that the page of the rule `accuracy` is made from and a rule makes."""
        return [path for name in self.scored for path in self.scores(name, "scores/{}.json")]

    def accuracy_settings(self, command: str) -> str:
        """What the page of the rule `accuracy` shows, as JSON for `genescribe.report.accuracy`."""
        species = [
            {
                "name": name.replace("_", " "),
                "genome": f"results/genomes/{name}",
                "augustus_species": self.species[name].augustus_species,
                "source": self.species[name].evidence or self.species[name].accession or "",
                "rows": {
                    row: {
                        "scores": f"results/benchmark/{name}/scores/{row}.json",
                        "prediction": self.prediction(name, row),
                        "benchmarks": [f"results/benchmarks/{job}.tsv" for job in self._jobs(name, row)],
                    }
                    for row in (*self.predictors(name), *self.controls)
                },
            }
            for name in self.scored
        ]
        return json.dumps({"species": species, "model": self.model, "command": command})

    def _jobs(self, species: str, row: str) -> list[str]:
        """Names of the jobs that make a row's genes, one after another."""
        chunks = self.config["annotation"]["chunks"]
        parts = [f"{chunk}-of-{chunks}" for chunk in range(chunks)]
        if row == PRODUCT:
            return [*(f"predict/{species}-{part}" for part in parts), f"stitch/{species}"]
        if row in self.controls:
            decoded = [f"predict_control/{species}-{row}-{part}" for part in parts]
            return [*decoded, f"stitch_control/{species}-{row}"]
        return [f"{row}/{species}"]

    def _report(self) -> dict[str, Any]:
        run = self.config["run"]
        stages = self.stages if self.trains else ()
        return {
            "title": f"GeneScribe: run {run}",
            "run": run,
            "species": [self._report_species(name) for name in self.annotated],
            "training": [
                {"stage": stage, "metrics": f"results/models/{run}/{stage}/metrics.jsonl"} for stage in stages
            ],
            "benchmarks": self._run_times(),
            "model": self.model,
        }

    def _run_times(self) -> dict[str, str]:
        """Snakemake's run times of the jobs that take time, by a name that a person reads."""
        run, chunks = self.config["run"], self.config["annotation"]["chunks"]
        jobs = {}
        if self.trains:
            for stage in self.stages:
                if self.corpus(stage) == stage:
                    jobs[f"shards ({stage})"] = f"shards/{run}-{stage}-train"
                jobs[f"train ({stage})"] = f"train/{run}-{stage}"
        for name in self.annotated:
            shown = name.replace("_", " ")
            jobs[f"normalize ({shown})"] = f"normalize/{name}"
            for chunk in range(chunks):
                part = f"part {chunk + 1} of {chunks}"
                jobs[f"predict ({shown}, {part})"] = f"predict/{name}-{chunk}-of-{chunks}"
            for rule in ("stitch", *self.predictors(name)[1:]):
                jobs[f"{rule} ({shown})"] = f"{rule}/{name}"
        return {job: f"results/benchmarks/{path}.tsv" for job, path in jobs.items()}

    def _report_species(self, name: str) -> dict[str, Any]:
        folder = f"results/genomes/{name}"
        shown: dict[str, Any] = {
            "name": name.replace("_", " "),
            "genome": folder,
            "regions": f"{folder}/regions/test.bed",
            "summary": f"{folder}/summary.json",
            "predictions": {row: self.prediction(name, row) for row in self.predictors(name)},
            "pairs": self.pairs(name),
        }
        if name in self.scored:
            rows = [*self.predictors(name), *self.controls]
            shown |= {
                "reference": f"{folder}/annotation.gff3",
                "left_out": f"{folder}/left_out.tsv",
                "controls": {row: self.prediction(name, row) for row in self.controls},
                "scores": self.scores(name, "scores/{}.json"),
                "gene_tables": dict(zip(rows, self.scores(name, "genes/{}.tsv"), strict=True)),
                "gffcompare": dict(zip(rows, self.scores(name, "gffcompare/{}.json"), strict=True)),
            }
        if self.trains and name in self.training and self.training[name].has("train"):
            shown["note"] = WITHIN_SPECIES
        return shown
