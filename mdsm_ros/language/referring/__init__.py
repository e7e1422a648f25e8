"""Which of several objects an instruction means: its clauses, the objects judged by them, questions and replies."""
