# Sliding windows over whole genomes, decoded in chunks and stitched.


rule predict:
    """
    Decode one chunk of a genome's windows.
    Inputs: a normalised genome, the regions to annotate and a model. Outputs: one line of JSON a window.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        summary="results/genomes/{species}/summary.json",
        regions="results/genomes/{species}/regions/test.bed",
        weights=f"{PLAN.model}/model.safetensors",
        code=code("annotation.commands:predict"),
    output:
        "results/annotation/{species}/chunks/{chunk}-of-{chunks}.jsonl",
    log:
        "results/logs/predict/{species}-{chunk}-of-{chunks}.log",
    benchmark:
        "results/benchmarks/predict/{species}-{chunk}-of-{chunks}.tsv"
    conda:
        f"../../envs/annotation{TORCH}.yaml"
    threads: config["annotation"]["threads"]
    resources:
        gpu=int(config["device"] == "cuda"),
        mem_mb=lambda wildcards, threads: 2000 + 2000 * threads,
        runtime=240,
    params:
        genome=subpath(input.genome, parent=True),
        model=subpath(input.weights, parent=True),
        control=[],
        stride=config["annotation"]["stride"],
        batch=config["annotation"]["batch"],
        beam=config["annotation"]["beam"],
        device=config["device"],
    message:
        "Read {wildcards.species}, chunk {wildcards.chunk} of {wildcards.chunks}"
    shell:
        "python -m genescribe predict --genome {params.genome:q} --regions {input.regions:q}"
        " --model {params.model:q} --chunk {wildcards.chunk} --chunks {wildcards.chunks}"
        " --stride {params.stride} --batch {params.batch} --beam {params.beam} --workers {threads}"
        " --device {params.device} {params.control:q} --out {output:q} > {log:q} 2>&1"


rule stitch:
    """
    Join the windows of a genome to genes.
    Inputs: decoded windows of all chunks, the normalised genome and the model's calibration, which turns log
    probabilities into scores. Outputs: the genes as GFF3, GTF, BED12 and table, proteins, coding sequences, a
    summary, and counts of what stitching joined and dropped.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        summary="results/genomes/{species}/summary.json",
        chunks=chunk_files,
        calibration=calibration_file,
        code=code("annotation.commands:stitch"),
    output:
        gff3="results/annotation/{species}/genescribe.gff3",
        gtf="results/annotation/{species}/genescribe.gtf",
        bed="results/annotation/{species}/genescribe.bed",
        tsv="results/annotation/{species}/genescribe.tsv",
        proteins="results/annotation/{species}/proteins.faa",
        cds="results/annotation/{species}/cds.fna",
        summary="results/annotation/{species}/summary.json",
        counts="results/annotation/{species}/counts.json",
    log:
        "results/logs/stitch/{species}.log",
    benchmark:
        "results/benchmarks/stitch/{species}.tsv"
    conda:
        "../../envs/annotation.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        genome=subpath(input.genome, parent=True),
        model=subpath(input.calibration, parent=True),
        min_score=min_score_option(config["annotation"]["min_score"]),
        max_overlap=config["annotation"]["max_overlap"],
        others=lambda wildcards, output: [
            word
            for key in output.keys()
            if key != "gff3"
            for word in (f"--{key}", output[key])
        ],
    message:
        "Stitch the genes of {wildcards.species}"
    shell:
        "python -m genescribe stitch {input.chunks:q} --genome {params.genome:q} --out {output.gff3:q}"
        " --model {params.model:q} {params.min_score:q} --max-overlap {params.max_overlap} {params.others:q}"
        " > {log:q} 2>&1"


use rule predict as predict_control with:
    """
    Decode one chunk of a genome's windows with a part of the model taken away.
    Inputs: a normalised genome, the regions to annotate and a model. Outputs: one line of JSON a window.
    """
    output:
        "results/benchmark/{species}/chunks/{control}/{chunk}-of-{chunks}.jsonl",
    log:
        "results/logs/predict_control/{species}-{control}-{chunk}-of-{chunks}.log",
    benchmark:
        "results/benchmarks/predict_control/{species}-{control}-{chunk}-of-{chunks}.tsv"
    threads: 1
    params:
        control=lambda wildcards: ["--control", wildcards.control],
    message:
        "Read {wildcards.species} with control {wildcards.control}, chunk {wildcards.chunk} of {wildcards.chunks}"


use rule stitch as stitch_control with:
    """
    Join the windows of a control to genes.
    Inputs: decoded windows of all chunks and the normalised genome. Outputs: the genes as GFF3.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        summary="results/genomes/{species}/summary.json",
        chunks=control_chunk_files,
        calibration=calibration_file,
        code=code("annotation.commands:stitch"),
    output:
        gff3="results/benchmark/{species}/{control}.gff3",
    log:
        "results/logs/stitch_control/{species}-{control}.log",
    benchmark:
        "results/benchmarks/stitch_control/{species}-{control}.tsv"
    params:
        min_score=lambda wildcards: min_score_option(
            PLAN.control_min_score(wildcards.control)
        ),
        others=[],
    message:
        "Stitch the genes of {wildcards.species}, control {wildcards.control}"
