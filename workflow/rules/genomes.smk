# From FASTA and GFF3 as they come to one form, and the split into regions.


rule normalize:
    """
    Bring a genome into one form, count what is left out, and let gffread confirm the proteins.
    Inputs: FASTA and GFF3. Outputs: the sequence in upper case, its soft mask, the genes that are kept, a table of
    those that are not, and a summary.
    """
    input:
        fasta=lambda wildcards: SPECIES[wildcards.species].fasta,
        gff=lambda wildcards: SPECIES[wildcards.species].gff,
        code=code("genomes.commands:normalize"),
    output:
        genome="results/genomes/{species}/genome.fna",
        softmask="results/genomes/{species}/softmask.bed",
        annotation="results/genomes/{species}/annotation.gff3",
        left_out="results/genomes/{species}/left_out.tsv",
        summary="results/genomes/{species}/summary.json",
    log:
        "results/logs/normalize/{species}.log",
    benchmark:
        "results/benchmarks/normalize/{species}.tsv"
    wildcard_constraints:
        species=one_of(name for name in SPECIES if SPECIES[name].gff),
    conda:
        "../../envs/genomes.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        genetic_code=lambda wildcards: SPECIES[wildcards.species].genetic_code,
        folder=subpath(output.genome, parent=True),
    message:
        "Normalise {wildcards.species}"
    shell:
        "python -m genescribe normalize {input.fasta:q} {input.gff:q}"
        " --out {params.folder:q} --genetic-code {params.genetic_code:q} > {log:q} 2>&1"


use rule normalize as normalize_sequence with:
    """
    Bring a genome that has no annotation into one form.
    Inputs: FASTA. Outputs: the sequence in upper case, its soft mask, and a summary.
    """
    input:
        fasta=lambda wildcards: SPECIES[wildcards.species].fasta,
        gff=[],
        code=code("genomes.commands:normalize"),
    output:
        genome="results/genomes/{species}/genome.fna",
        softmask="results/genomes/{species}/softmask.bed",
        summary="results/genomes/{species}/summary.json",
    log:
        "results/logs/normalize_sequence/{species}.log",
    benchmark:
        "results/benchmarks/normalize_sequence/{species}.tsv"
    wildcard_constraints:
        species=one_of(name for name in SPECIES if not SPECIES[name].gff),
    message:
        "Normalise {wildcards.species}, which has no annotation"


rule split:
    """
    Write which regions of a genome train, tune and test.
    Inputs: a normalised genome. Outputs: one BED file a split, empty where the genome has no such part.
    """
    input:
        genome="results/genomes/{species}/genome.fna",
        summary="results/genomes/{species}/summary.json",
        code=code("corpus.commands:split"),
    output:
        train="results/genomes/{species}/regions/train.bed",
        val="results/genomes/{species}/regions/val.bed",
        test="results/genomes/{species}/regions/test.bed",
    log:
        "results/logs/split/{species}.log",
    benchmark:
        "results/benchmarks/split/{species}.tsv"
    conda:
        "../../envs/genomes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        genome=subpath(input.genome, parent=True),
        split=lambda wildcards: SPECIES[wildcards.species].split,
        folder=subpath(output.train, parent=True),
    message:
        "Split {wildcards.species} into regions"
    shell:
        "python -m genescribe split --genome {params.genome:q} --split {params.split:q}"
        " --out {params.folder:q} > {log:q} 2>&1"
