"""Which of several objects is meant: found by the noun, judged by clauses, asked about where these do not decide."""
