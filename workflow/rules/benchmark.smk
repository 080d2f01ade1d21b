# Other programs on the same sequences, controls, and the comparison with the reference.


rule augustus:
    """
    Predict genes with AUGUSTUS, on several cores.
    Inputs: a normalised genome and the regions to annotate. Outputs: GFF3.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        summary="results/genomes/{species}/summary.json",
        regions="results/genomes/{species}/regions/test.bed",
        code=code("benchmark.commands:augustus"),
    output:
        "results/benchmark/{species}/augustus.gff3",
    log:
        "results/logs/augustus/{species}.log",
    benchmark:
        "results/benchmarks/augustus/{species}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, threads: 1000 + 1000 * threads,
        runtime=720,
    params:
        genome=subpath(input.genome, parent=True),
        species=lambda wildcards: SPECIES[wildcards.species].augustus_species,
    message:
        "Run AUGUSTUS on {wildcards.species}"
    shell:
        "python -m genescribe augustus --genome {params.genome:q} --regions {input.regions:q}"
        " --species {params.species:q} --threads {threads} --out {output:q} > {log:q} 2>&1"


rule prodigal:
    """
    Predict the genes of a prokaryote with Prodigal.
    Inputs: a normalised genome and the regions to annotate. Outputs: GFF3.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        summary="results/genomes/{species}/summary.json",
        regions="results/genomes/{species}/regions/test.bed",
        code=code("benchmark.commands:prodigal"),
    output:
        "results/benchmark/{species}/prodigal.gff3",
    log:
        "results/logs/prodigal/{species}.log",
    benchmark:
        "results/benchmarks/prodigal/{species}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        genome=subpath(input.genome, parent=True),
    message:
        "Run Prodigal on {wildcards.species}"
    shell:
        "python -m genescribe prodigal --genome {params.genome:q} --regions {input.regions:q}"
        " --out {output:q} > {log:q} 2>&1"


rule score:
    """
    Score one predictor against the reference: exactly, gene by gene, and by gffcompare or its predecessor cuffcompare.
    Inputs: genome, reference, prediction, regions, the table of what is not in the reference, and genes with verified
    starts where there are any. Outputs: scores as JSON, a table of all genes, and the comparison as JSON, which says
    so where neither program is installed.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        reference="results/genomes/{species}/annotation.gff3",
        left_out="results/genomes/{species}/left_out.tsv",
        regions="results/genomes/{species}/regions/test.bed",
        prediction=lambda wildcards: PLAN.prediction(
            wildcards.species, wildcards.predictor
        ),
        verified=lambda wildcards: SPECIES[wildcards.species].verified_starts or [],
        code=code("benchmark.commands:score", "benchmark.commands:gffcompare"),
    output:
        scores="results/benchmark/{species}/scores/{predictor}.json",
        genes="results/benchmark/{species}/genes/{predictor}.tsv",
        comparison="results/benchmark/{species}/gffcompare/{predictor}.json",
    log:
        "results/logs/score/{species}-{predictor}.log",
    benchmark:
        "results/benchmarks/score/{species}-{predictor}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        domain=lambda wildcards: SPECIES[wildcards.species].kind,
        verified=lambda wildcards, input: (
            ["--verified", input.verified] if input.verified else []
        ),
    message:
        "Score {wildcards.predictor} on {wildcards.species}"
    shell:
        "(python -m genescribe score {input.reference:q} {input.prediction:q} --regions {input.regions:q}"
        " --left-out {input.left_out:q} --fasta {input.genome:q} --domain {params.domain} {params.verified:q}"
        " --name {wildcards.predictor} --out {output.scores:q} --genes {output.genes:q};"
        " python -m genescribe gffcompare --reference {input.reference:q} --prediction {input.prediction:q}"
        " --regions {input.regions:q} --left-out {input.left_out:q} --name {wildcards.predictor}"
        " --out {output.comparison:q}) > {log:q} 2>&1"


rule score_table:
    """
    Put the scores of all predictors and controls of a species into one table.
    Inputs: scores and comparisons. Outputs: the table as TSV and JSON.
    """
    input:
        scores=lambda wildcards: PLAN.scores(wildcards.species, "scores/{}.json"),
        comparisons=lambda wildcards: PLAN.scores(
            wildcards.species, "gffcompare/{}.json"
        ),
        code=code("benchmark.commands:scoretable"),
    output:
        tsv="results/benchmark/{species}/scores.tsv",
        json="results/benchmark/{species}/scores.json",
    log:
        "results/logs/score_table/{species}.log",
    benchmark:
        "results/benchmarks/score_table/{species}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        comparisons=lambda wildcards, input: [
            word for path in input.comparisons for word in ("--gffcompare", path)
        ],
    message:
        "Score table of {wildcards.species}"
    shell:
        "python -m genescribe scoretable {input.scores:q} {params.comparisons:q}"
        " --tsv {output.tsv:q} --json-out {output.json:q} > {log:q} 2>&1"
