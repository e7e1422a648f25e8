"""Where the object of an answer is and how to grasp it: computed after its mask is published."""
