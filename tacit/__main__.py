"""`python -m tacit` is `tacit`; `torchrun -m tacit learn ...` uses every process."""

from tacit.cli import main

main()
