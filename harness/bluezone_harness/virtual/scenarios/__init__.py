"""Scenarios: what is played towards a device under test, from a TOML file to what is on the air."""
