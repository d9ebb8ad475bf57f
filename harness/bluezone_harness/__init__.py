"""Everything that meets the world: evidence, checks, verdicts, reports and the command line."""
