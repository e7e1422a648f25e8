"""The mdsm command, and the code that only its subcommands need."""
