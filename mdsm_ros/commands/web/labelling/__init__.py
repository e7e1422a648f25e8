"""The *Label* page: labels frames of a recording or a folder, one after the other."""
