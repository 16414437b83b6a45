"""The machinery behind every exercise: run an answer, compare it, and say which mistake it is.

`exercise` puts it together. `cases` are the batches, `sandbox` runs a stranger's function and
`outcomes` reads what it did. `slips`, `code_slips` and `value_slips` name a mistake: from the
catalogue, from the function's code, from its results. `solution` shows the right answer's source.
"""
