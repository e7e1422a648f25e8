"""What happens to one frame around the model: input, answer, and the speed of the model."""
