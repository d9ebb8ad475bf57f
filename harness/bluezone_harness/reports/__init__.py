"""Reports: a ``Result`` in, text out; pure."""
