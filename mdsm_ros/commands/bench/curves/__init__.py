"""How cost grows: ``mdsm bench --curves`` for models and recordings; ``mdsm-data growth`` has those of data."""
