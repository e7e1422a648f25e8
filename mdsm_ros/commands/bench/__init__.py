"""``mdsm bench``: the latency of a model, alone and in the running node."""
