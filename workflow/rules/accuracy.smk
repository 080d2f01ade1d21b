# The accuracy of the model on whole genomes beside other programs, as a page for people: docs/accuracy.md.


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
