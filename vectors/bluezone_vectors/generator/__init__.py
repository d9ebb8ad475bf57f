"""Makes the vector pack: a second implementation of the protocol, and the questions that it answers.

Everything in this folder was written from the chapters of the specification, with ``hashlib`` and ``json`` alone. It
imports neither the reference nor the harness: where vectors and reference agree, two readings of the text agree.

Run ``python -m bluezone_vectors.generator`` to write the pack, with ``--check`` to compare only.
"""
