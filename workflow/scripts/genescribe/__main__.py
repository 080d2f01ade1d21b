"""`python -m genescribe`."""

from genescribe.cli import main

main()
