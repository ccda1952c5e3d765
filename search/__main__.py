"""`python -m studyhall.search` is `studyhall`."""

from studyhall.search.cli import main

main()
