"""What homes are furnished with: models of the library, and procedural shapes where it has none."""
