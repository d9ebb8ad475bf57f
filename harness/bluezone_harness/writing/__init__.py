"""Writers of captures and recordings, and the pseudonyms that make them fit to be handed on.

Theory of operation. What was observed is written back as octets that say the same to whoever reads them; what has no
such form in a format is not written, and the writer says so: nothing is made up that was not seen.
"""
