"""Coverage-guided fuzzing of every reader of foreign octets.

    python -m tests.fuzz [--seconds N] [--jobs N] [--seed N] [--keep FOLDER] [TARGET ...]

Theory of operation. ``seeds`` makes small files of every format with struct alone; ``targets`` has a function for each
reader, from octets to nothing, that raises ``AssertionError`` where an oracle does not hold; ``worker`` hands a target
to atheris, which changes the seeds, keeps what reaches new code, and stops at the first exception; ``__main__`` runs
workers side by side and says what they did. Without atheris everything but the worker works, so that the targets are
tested with their seeds like all other code.
"""
