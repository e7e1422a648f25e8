"""The libraries that compute a model: PyTorch, or ONNX Runtime and OpenVINO for exported graphs."""
