"""CLIPSeg, with public weights."""
