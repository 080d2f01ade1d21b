# Entry of the workflow: `snakemake --cores 8` in this folder.
include: "workflow/Snakefile"


rule everything:
    """What `snakemake` without a target makes: genes, scores and report of the configured run."""
    default_target: True
    input:
        rules.all.input,
