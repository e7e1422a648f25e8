"""The *Browse* page: instructions and masks of a data set."""
