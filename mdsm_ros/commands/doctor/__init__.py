"""``mdsm doctor``: what an installation lacks, and the line that mends it. Standard library only."""
