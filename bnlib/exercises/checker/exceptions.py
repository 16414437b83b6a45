"""What lies behind an exception of NumPy's or Python's, said for a student."""

import re

from bnlib.exercises.checker.slips import Slip

EXCEPTIONS = {  # words of an exception, the more special first
    "truth value of an array": Slip(
        "an array for a truth value",
        "Python's max, min and if take one number: for arrays there are np.max and np.maximum.",
    ),
    "inhomogeneous": Slip(
        "a list of unequal parts",
        "A list of unequal parts makes no array; np.maximum compares a number with an array.",
    ),
    "setting an array element with a sequence": Slip(
        "an array for a number",
        "A place of an array holds one number, and it is given an array: is a sum missing?",
    ),
    "only integer scalar arrays": Slip(
        "an array for a whole number",
        "An array stands where NumPy wants a whole number. np.max(a, b) takes b for an axis; "
        "np.maximum(a, b) compares entry by entry.",
    ),
    "axes don't match array": Slip(
        "a transpose of other axes",
        "transpose names each axis of its array once, and this array has another number of axes.",
    ),
    "'list' object cannot be interpreted as an integer": Slip(
        "a list for a tuple",
        "A list stands where a number or a tuple is wanted: for example, axis=(0, 2, 3), not "
        "axis=[0, 2, 3].",
    ),
    "Cannot interpret 'True' as a data type": Slip(
        "keepdims without its name",
        "This place is for the type of the numbers; name the argument: keepdims=True.",
    ),
    "AxisError": Slip(
        "no such axis", "Axes count from 0, and after a sum or a mean there are fewer of them."
    ),
    "'NoneType'": Slip(
        "None for a value", "One of the values is None: does a function lack its return?"
    ),
    "'tuple' object is not callable": Slip(
        "round brackets", "A tuple is not called; its items stand in square brackets: x.shape[1]."
    ),
    **dict.fromkeys(
        (f"'{kind}' object is not callable" for kind in ("numpy.ndarray", "float", "int")),
        Slip(
            "* forgotten",
            "A number or an array stands before brackets, like a function; a product needs its *.",
        ),
    ),
    "converted to Python scalars": Slip(
        "one number for an array", "float and math.sqrt take one number; np.sqrt takes an array."
    ),
    "cannot reshape array": Slip(
        "sizes that do not fit",
        "A new shape holds as many numbers as the old one; sizes differ from case to case.",
    ),
    "unsupported operand type(s) for ^": Slip("^ for a power", "A power is written **, not ^."),
    **dict.fromkeys(
        ("not aligned", "mismatch in its core dimension"),
        Slip("a matrix product", "np.dot and @ multiply matrices; * multiplies place by place."),
    ),
}


def of_exception(outcome, case):
    """Return the slip behind an exception of NumPy's or Python's, or None."""
    problem = (outcome.problem or "").partition("\n")[0]  # not the student's line
    if "could not be broadcast" in problem:
        return Slip("shapes that do not fit", _misfit(problem, case), whole=True)
    known = (slip for words, slip in EXCEPTIONS.items() if words in problem)
    return next((slip._replace(whole=True) for slip in known), None)


def _misfit(problem, case):
    """Say why two shapes do not fit, and what a vector (C,) needs beside (N, C, H, W)."""
    said = "Two shapes do not fit. NumPy aligns them from the right"
    shapes = [shape.split(",") for shape in re.findall(r"\((\d[\d,]*)\)", problem)]
    channels = str(case.values.get("shape", (0, 0))[1])
    if [channels, ""] in shapes and any(len(shape) == 4 for shape in shapes):
        said += (
            ", so a vector (C,) meets the last axis; beside (N, C, H, W) it has to be (1, C, 1, 1)"
        )
    elif _lost_axes(shapes):
        said += "; if one is a mean or a sum, keepdims=True keeps its axes, with size 1"
    return f"{said}."


def _lost_axes(shapes):
    """Say whether one of two shapes is the other with some of its axes left out."""
    sizes = sorted(([size for size in shape if size] for shape in shapes), key=len)
    if len(sizes) != 2 or len(sizes[0]) == len(sizes[1]):
        return False
    longer = iter(sizes[1])
    return all(size in longer for size in sizes[0])
