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
    threads: 1
    resources:
        gpu=int(config["device"] == "cuda"),
        mem_mb=4000,
        runtime=240,
    params:
        genome=subpath(input.genome, parent=True),
        model=PLAN.model,
        settings=annotation_options,
    shell:
        "python -m genescribe predict --genome {params.genome:q} --regions {input.regions:q}"
        " --model {params.model:q} --chunk {wildcards.chunk} --chunks {wildcards.chunks}"
        " {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule stitch:
    """
    Join the windows of a genome to genes.

    Inputs: decoded windows of all chunks and the normalised genome. Outputs: the genes as GFF3 and GTF, proteins,
    coding sequences, and counts of what stitching joined and dropped.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        summary="results/genomes/{species}/summary.json",
        chunks=chunk_files,
        code=code("annotation.commands:stitch"),
    output:
        **{
            key: f"results/annotation/{{species}}/{name}" for key, name in GENES.items()
        },
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
    shell:
        "python -m genescribe stitch {input.chunks:q} --genome {params.genome:q} --out {output.gff3:q}"
        " --gtf {output.gtf:q} --proteins {output.proteins:q} --cds {output.cds:q}"
        " --counts {output.counts:q} > {log:q} 2>&1"
