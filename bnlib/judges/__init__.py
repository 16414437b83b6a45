"""What judges the rest of bnlib, and imports nothing of it.

`reference` is every layer in explicit loops, `gradcheck` takes numerical gradients, `faults` is a
catalogue of wrong implementations that a check must reject, and `sweeps` counts how often a
computation walks over memory.
"""
