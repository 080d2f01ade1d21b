# From normalised genomes to shards.


rule corpus_spec:
    """
    Write down what a corpus is made of.
    Inputs: none but the configuration. Outputs: JSON for `genescribe shards`.
    """
    output:
        "results/corpus/{run}/{stage}/{split}.json",
    log:
        "results/logs/corpus_spec/{run}-{stage}-{split}.log",
    benchmark:
        "results/benchmarks/corpus_spec/{run}-{stage}-{split}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        spec=lambda wildcards: PLAN.corpus_spec(wildcards.stage, wildcards.split),
    message:
        "Describe the corpus for {wildcards.stage}, {wildcards.split}"
    shell:
        "printf '%s\\n' {params.spec:q} > {output:q} 2> {log:q}"


rule bpe:
    """
    Train the tokenizer of a new encoder dnabert2.
    Inputs: the shards that pre-training learns from. Outputs: tokenizer.json.
    """
    input:
        shards="results/corpus/{run}/pretrain/train/manifest.json",
        code=code("corpus.commands:bpe"),
    output:
        "results/models/{run}/tokenizer.json",
    log:
        "results/logs/bpe/{run}.log",
    benchmark:
        "results/benchmarks/bpe/{run}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        folder=subpath(input.shards, parent=True),
        vocabulary=config["training"]["bpe_tokens"],
    message:
        "Train a tokenizer"
    shell:
        "python -m genescribe bpe {params.folder:q} --vocabulary {params.vocabulary} --out {output:q}"
        " > {log:q} 2>&1"


rule shards:
    """
    Write the shards of one split of a training stage.
    Inputs: the corpus's specification, normalised genomes and their regions. Outputs: a manifest with the digests of
    the shards, which lie beside it.
    """
    input:
        spec="results/corpus/{run}/{stage}/{split}.json",
        genomes=lambda wildcards: genome_files(
            PLAN.stage_species(wildcards.stage, wildcards.split), wildcards.split
        ),
        code=code("corpus.commands:shards"),
    output:
        "results/corpus/{run}/{stage}/{split}/manifest.json",
    log:
        "results/logs/shards/{run}-{stage}-{split}.log",
    benchmark:
        "results/benchmarks/shards/{run}-{stage}-{split}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        folder=subpath(output[0], parent=True),
    message:
        "Write shards for {wildcards.stage}, {wildcards.split}"
    shell:
        "python -m genescribe shards {input.spec:q} --out {params.folder:q} > {log:q} 2>&1"
