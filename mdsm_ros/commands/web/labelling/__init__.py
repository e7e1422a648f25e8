"""The *Label* page: frames of a recording or a folder, labelled one after the other."""
