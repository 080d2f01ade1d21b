# Genomes by accession, from NCBI or a local mirror: the only rules that need a network.


rule download:
    """
    Fetch an assembly and its annotation, and check them against the digests that were recorded the first time.
    Inputs: none but the accession. Outputs: FASTA and GFF3. The record is no output: it outlives them.
    """
    input:
        # Fetching again would give the same bytes: newer code is no reason.
        code=ancient(code("genomes.commands:fetch")),
    output:
        fasta="results/downloads/{accession}/genome.fna",
        gff="results/downloads/{accession}/annotation.gff3",
    log:
        "results/logs/download/{accession}.log",
    benchmark:
        "results/benchmarks/download/{accession}.tsv"
    wildcard_constraints:
        accession=one_of(
            accession for accession, annotated in PLAN.downloads.items() if annotated
        ),
    retries: 2
    conda:
        "../../envs/genomes.yaml"
    threads: 1
    resources:
        downloads=1,
        mem_mb=1000,
        runtime=240,
    params:
        source=PLAN.download_source,
        record=f"{config['download']['digests']}/{{accession}}.sha256",
        annotation="--annotation",
        folder=subpath(output.fasta, parent=True),
    message:
        "Download {wildcards.accession}"
    shell:
        "python -m genescribe fetch {wildcards.accession} --out {params.folder:q} {params.annotation}"
        " --record {params.record:q} {params.source:q} > {log:q} 2>&1"


use rule download as download_sequence with:
    """
    Fetch an assembly that is annotated only, and check it against the digest that was recorded the first time.
    Inputs: none but the accession. Outputs: FASTA.
    """
    output:
        fasta="results/downloads/{accession}/genome.fna",
    log:
        "results/logs/download_sequence/{accession}.log",
    benchmark:
        "results/benchmarks/download_sequence/{accession}.tsv"
    wildcard_constraints:
        accession=one_of(
            accession
            for accession, annotated in PLAN.downloads.items()
            if not annotated
        ),
    params:
        annotation="--no-annotation",
    message:
        "Download {wildcards.accession} without annotation"
