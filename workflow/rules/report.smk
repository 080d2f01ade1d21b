# Pages about the run, and the comparisons that only the report shows.


rule compare_programs:
    """
    Compare the genes of two programs with each other, gene by gene, as the scorer compares with a reference.
    Inputs: both predictions and the regions. Outputs: a table of all genes; its reference side is the second program.
    """
    input:
        one=lambda wildcards: PLAN.prediction(wildcards.species, wildcards.one),
        two=lambda wildcards: PLAN.prediction(wildcards.species, wildcards.two),
        regions="results/genomes/{species}/regions/test.bed",
        code=code("benchmark.commands:score"),
    output:
        "results/benchmark/{species}/pairs/{one}-{two}.tsv",
    log:
        "results/logs/compare_programs/{species}-{one}-{two}.log",
    benchmark:
        "results/benchmarks/compare_programs/{species}-{one}-{two}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        domain=lambda wildcards: SPECIES[wildcards.species].kind,
    message:
        "Compare {wildcards.one} with {wildcards.two} on {wildcards.species}"
    shell:
        "python -m genescribe score {input.two:q} {input.one:q} --regions {input.regions:q}"
        " --domain {params.domain} --name {wildcards.one} --genes {output:q} > {log:q} 2>&1"


rule report_settings:
    """
    Write down what the report shows, with the versions of the programs and the run times of the jobs.
    Inputs: all that the report shows. Outputs: JSON for `genescribe report`.
    """
    input:
        shown=PLAN.report_inputs(),
        code=code("workflow.report_settings"),
    output:
        "results/report/{run}.json",
    log:
        "results/logs/report_settings/{run}.log",
    benchmark:
        "results/benchmarks/report_settings/{run}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=PLAN.report_settings({"snakemake": SNAKEMAKE}),
        environments=ENVIRONMENTS,
    message:
        "Collect what the report of {wildcards.run} shows"
    shell:
        "python -m genescribe.workflow.report_settings --settings {params.settings:q}"
        " --environments {params.environments:q} --out {output:q} > {log:q} 2>&1"


rule write_report:
    """
    Write the report.
    Inputs: its settings and all that they name. Outputs: one HTML page that needs nothing else.
    """
    input:
        settings="results/report/{run}.json",
        shown=PLAN.report_inputs(),
        code=code("report.commands:report"),
    output:
        "results/report/{run}.html",
    log:
        "results/logs/write_report/{run}.log",
    benchmark:
        "results/benchmarks/write_report/{run}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    message:
        "Write the report of {wildcards.run}"
    shell:
        "python -m genescribe report --config {input.settings:q} --out {output:q} > {log:q} 2>&1"


rule accuracy_page:
    """
    Put scores, run times and memory of all species and predictors into one page.
    Inputs: score files, with the predictions and run times that came with them. Outputs: Markdown.
    """
    input:
        scores=PLAN.accuracy_inputs(),
        weights=f"{PLAN.model}/model.safetensors",
        code=code("report.accuracy"),
    output:
        config["benchmark"]["accuracy"],
    log:
        "results/logs/accuracy_page.log",
    benchmark:
        "results/benchmarks/accuracy_page.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=PLAN.accuracy_settings(accuracy_command()),
    message:
        "Write {output}"
    shell:
        "python -m genescribe.report.accuracy --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"
