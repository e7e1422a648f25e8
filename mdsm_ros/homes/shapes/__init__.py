"""Parts, meshes and surfaces that things are built of, and how MuJoCo gets them."""
