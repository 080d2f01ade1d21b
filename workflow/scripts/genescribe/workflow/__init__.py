"""What the Snakefile needs to plan a run: configuration, species table, list of code files."""
