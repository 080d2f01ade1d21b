# One HTML page about the run.


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
        settings=PLAN.report_settings(),
    message:
        "Collect what the report of {wildcards.run} shows"
    shell:
        "python -m genescribe.workflow.report_settings --settings {params.settings:q}"
        " --out {output:q} > {log:q} 2>&1"


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
