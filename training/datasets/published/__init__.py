"""Public datasets in this package's format; ``sources.py`` says where each can be had."""
