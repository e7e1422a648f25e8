"""Parts, meshes and surfaces of items, and their conversion to MuJoCo."""
