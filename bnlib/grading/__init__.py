"""Grade a class: every student's notebooks, judged by the exercises' own checks.

    python -m bnlib.grading SUBMISSIONS --output DIR

`submissions` finds the notebooks, `cells` and `statements` read them. What a student wrote runs in
`child`, a process of its own with `limits`; `answers` lets the checks call it from here, over a
`channel` that carries numbers and text alone, and `judge` notes the verdict. `run` does that for a
class, `tables` and `pages` write what comes of it, `nbgrader` what nbgrader reads.
"""
