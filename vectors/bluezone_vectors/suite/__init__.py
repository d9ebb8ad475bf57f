"""The vectors as tests for pytest, one a vector, for an implementation of your own.

.. code-block:: console

    $ pytest --pyargs bluezone_vectors.suite --implementation "node adapter.js" --deviations deviations.toml

What asks and judges is the pytest plugin of this distribution; here stand only the tests that it fills.
"""
