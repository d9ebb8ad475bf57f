"""Implementations under test: asked the questions of the vectors over a pipe or a socket, judged by their answers."""
