"""The kit held against planted faults: what its vectors and checks find, and under which requirement."""
