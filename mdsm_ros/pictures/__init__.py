"""Images and pages for people: files, overlays, sheets, reports."""
