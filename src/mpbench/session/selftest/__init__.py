"""The proof that verdicts can be trusted, made on the machine at hand."""
