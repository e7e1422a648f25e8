"""``mdsm web``: one local page to try a model, to watch a running node, to label frames and to browse a dataset."""
