"""The *Browse* page: instructions and masks of a dataset."""
