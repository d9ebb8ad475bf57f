"""What is asked: one module for each operation, each with its drafts."""
