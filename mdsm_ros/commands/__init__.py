"""The mdsm command and what only its subcommands need."""
