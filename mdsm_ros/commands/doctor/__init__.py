"""``mdsm doctor``: problems of an installation, and the commands that fix them. Standard library only."""
