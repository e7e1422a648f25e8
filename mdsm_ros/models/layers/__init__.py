"""Own versions of networks from libraries, for models that must start quickly.

timm, transformers and diffusers import torch._dynamo and some thousand modules with any of their networks, which takes
a robot's node several times as long as PyTorch itself. These networks have the libraries' parameters under the
libraries' names, and compute the same numbers: test/test_layers.py compares them bit for bit.
"""
