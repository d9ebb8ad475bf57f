"""Virtual phones: evidence whose every octet is known, for demonstrations and tests."""
