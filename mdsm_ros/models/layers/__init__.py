"""Networks that libraries have too, for models that have to start quickly.

timm, transformers and diffusers import torch._dynamo and some thousand modules with any network of theirs, which costs
a robot's node several times what PyTorch itself costs. These have the libraries' parameters by the libraries' names,
and give the same numbers: test/test_layers.py compares them bit for bit.
"""
