"""``mdsm attention``: where a model looks for each word of an instruction."""
