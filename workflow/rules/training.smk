# Masked language modelling, pre-training and fine-tuning: configurations of one loop.


rule training_settings:
    """
    Write down the settings of a training stage.
    Inputs: none but the configuration. Outputs: JSON for `genescribe train`.
    """
    output:
        "results/models/{run}/{stage}.json",
    log:
        "results/logs/training_settings/{run}-{stage}.log",
    benchmark:
        "results/benchmarks/training_settings/{run}-{stage}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        settings=lambda wildcards: PLAN.training_settings(wildcards.stage),
    message:
        "Settings of {wildcards.stage}"
    shell:
        "printf '%s\\n' {params.settings:q} > {output:q} 2> {log:q}"


rule train:
    """
    Train a model, from nothing (the first stage) or from the stage before.
    Inputs: settings, shards to learn from and to watch. Outputs: a model folder and its metrics. Checkpoints live in
    results/state, which is no output: a run that was cut off goes on from there.
    """
    input:
        settings="results/models/{run}/{stage}.json",
        train=lambda wildcards: (
            f"results/corpus/{wildcards.run}/{PLAN.corpus(wildcards.stage)}/train/manifest.json"
        ),
        val=validation_shards,
        initial=lambda wildcards: PLAN.initial_weights(wildcards.stage) or [],
        tokenizer=lambda wildcards: PLAN.tokenizer(wildcards.stage) or [],
        code=code("training.__main__"),
    output:
        config="results/models/{run}/{stage}/config.json",
        weights="results/models/{run}/{stage}/model.safetensors",
        metrics="results/models/{run}/{stage}/metrics.jsonl",
    log:
        "results/logs/train/{run}-{stage}.log",
    benchmark:
        "results/benchmarks/train/{run}-{stage}.tsv"
    conda:
        f"../../envs/training{TORCH}.yaml"
    threads: config["training"]["threads"]
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=2880,
    params:
        train=subpath(input.train, parent=True),
        val=lambda wildcards, input: folder_option("--val", input.val),
        initial=lambda wildcards, input: folder_option("--init", input.initial),
        dnabert2=lambda wildcards, input: PLAN.dnabert2_options(
            wildcards.stage, input.tokenizer
        ),
        state="results/state/{run}/{stage}",
        folder=subpath(output.weights, parent=True),
        device=config["device"],
    message:
        "Train: {wildcards.stage}"
    shell:
        "python -m genescribe.training --config {input.settings:q} --train {params.train:q}"
        " {params.val:q} {params.initial:q} {params.dnabert2:q} --state {params.state:q} --out {params.folder:q}"
        " --device {params.device} 2>&1 | tee {log:q}"


rule calibrate:
    """
    Learn on val how probable it is that a gene is right, and which genes are best kept.
    Inputs: a model and the genomes that its training watched. Outputs: JSON beside the weights.
    """
    input:
        weights="results/models/{run}/{stage}/model.safetensors",
        genomes=lambda wildcards: genome_files(
            PLAN.stage_species(wildcards.stage, "val"), "val"
        ),
        code=code("benchmark.commands:calibrate"),
    output:
        "results/models/{run}/{stage}/calibration.json",
    log:
        "results/logs/calibrate/{run}-{stage}.log",
    benchmark:
        "results/benchmarks/calibrate/{run}-{stage}.tsv"
    conda:
        f"../../envs/annotation{TORCH}.yaml"
    threads: config["training"]["threads"]
    resources:
        gpu=int(config["device"] == "cuda"),
        mem_mb=lambda wildcards, threads: 2000 + 1000 * threads,
        runtime=240,
    params:
        model=subpath(input.weights, parent=True),
        genomes=lambda wildcards: PLAN.calibration_options(wildcards.stage),
        stride=config["annotation"]["stride"],
        batch=config["annotation"]["batch"],
        beam=config["annotation"]["beam"],
        device=config["device"],
    message:
        "Calibrate: {wildcards.stage}"
    shell:
        "python -m genescribe calibrate {params.genomes:q} --model {params.model:q} --stride {params.stride}"
        " --batch {params.batch} --beam {params.beam} --workers {threads} --device {params.device}"
        " --out {output:q} > {log:q} 2>&1"
