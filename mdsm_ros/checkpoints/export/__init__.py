"""``mdsm export``: a model as ONNX graphs, for runtimes without PyTorch."""
