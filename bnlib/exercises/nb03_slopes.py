"""The exercises of notebook 03 on the slope of a function of one number."""

import numpy as np

from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.prediction import prediction
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import gradcheck


def _root(x):
    return 1 / np.sqrt(x)


def _fraction(x):
    return x / (x * x + 3)


def cube(x):
    """Return x^3 + 2x, whose slope is 3x^2 + 2."""
    return x * x * x + 2 * x


def _slope_case(name, x, h, seed):
    """Return a function and a place; what is subtracted loses digits, h in the divisor more."""
    f = FUNCTIONS[name]
    size = max(abs(f(x + h)), abs(f(x - h)))
    values = {"f": f, "x": x, "h": h}
    return Case(f"f(x) = {name} at {x:g}, h = {h:g}", values, tolerance=100 * EPS * size / h)


def _complex_case(name, x, seed):
    f = FUNCTIONS[name]
    size = abs(gradcheck.complex_step_gradient(f, x))
    return Case(f"f(x) = {name} at {x:g}", {"f": f, "x": x}, tolerance=1e-12 * max(size, 1e-3))


def _within(parameters):
    """Return parameters with x where the root is taken of positive numbers."""
    p = dict(parameters)
    far_enough = p["x"] > 2 * p.get("h", 0)
    if p["name"] == "1/sqrt(x)" and not far_enough:
        p["x"] = 2.5 + 2 * p.get("h", 1)
    if p["name"] in ("exp(x)", "sin(3x)"):  # one is beyond floats there, the other all rounding
        p["x"] = min(p["x"], 40.0)
    return p


EPS = 2.0**-52
FUNCTIONS = {
    "x^3 + 2x": cube,
    "exp(x)": np.exp,
    "1/sqrt(x)": _root,
    "x / (x^2 + 3)": _fraction,
    "sin(3x)": lambda x: np.sin(3 * x),
}
PLACES = (2.0, -1.5, 0.3, 0.0, 3, -40.0, 5000.0)
NAMED = {
    "a root": {"name": "1/sqrt(x)", "x": 2.0},
    "a cube": {"name": "x^3 + 2x", "x": -1.5},
    "a power of e": {"name": "exp(x)", "x": 0.3},
    "a negative place": {"name": "exp(x)", "x": -1.5},
    "a place far from 0": {"name": "x^3 + 2x", "x": -40.0},
    "a place farther from 0": {"name": "x^3 + 2x", "x": 5000.0},
}
SLOPES = Domain(
    _slope_case,
    NAMED,
    _within,
    name=tuple(FUNCTIONS),
    x=PLACES,
    h=(0.1, 1e-3, 0.2, 1e-2, 1.0, 1e-5, 5.0),
    crossed=("name",),
)
COMPLEX_SLOPES = Domain(_complex_case, NAMED, _within, ("name",), name=tuple(FUNCTIONS), x=PLACES)


@prediction(
    notebook="03",
    hints=(
        "Which power of h is the first that the central difference does not cancel?",
        "Its error goes with h^2. What becomes of h^2 when h is three times smaller?",
        "3^2.",
    ),
    mistakes=(
        (3, "That holds for the forward difference; the central one gains more."),
        (27, "The error does not go with h^3; it goes with h^2."),
        (6, "That is 2 * 3; h is three times smaller, and the error goes with its square."),
        (2, "2 is the power of h; by how much does h^2 fall?"),
        (
            0.1111111,
            "That is what is left of it; the question is by which factor it falls, one over that.",
        ),
    ),
)
def error_falls_by():
    """Say by what factor a central difference's error falls when h goes from 0.3 to 0.1."""
    at = gradcheck.numerical_gradient
    errors = [abs(at(cube, 1.0, h=h) - 5) for h in (0.3, 0.1)]
    return float(round(errors[0] / errors[1]))


@exercise(
    notebook="03",
    domain=SLOPES,
    returns="slope",
    hints=(
        "Look one step to the left and one to the right.",
        "The two places are 2 * h apart.",
        "(f(x + h) - f(x - h)) / (2 * h)",
    ),
    mistakes=(
        Mistake(
            "forward difference",
            "That is the forward difference; look to both sides.",
            lambda f, x, h: (f(x + h) - f(x)) / h,
        ),
        Mistake(
            "backward difference",
            "That is the backward difference; look to both sides.",
            lambda f, x, h: (f(x) - f(x - h)) / h,
        ),
        Mistake(
            "divided by h",
            "The difference is divided by h; the two places are 2 h apart.",
            lambda f, x, h: (f(x + h) - f(x - h)) / h,
        ),
        Mistake(
            "brackets missing",
            "/ 2 * h divides by 2 and multiplies by h; write / (2 * h).",
            lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h,
        ),
        Mistake(
            "brackets missing above",
            "Only f(x - h) is divided; put the difference in brackets.",
            lambda f, x, h: f(x + h) - f(x - h) / (2 * h),
        ),
        Mistake(
            "divided by 2",
            "The difference is divided by 2; the two places are 2 h apart.",
            lambda f, x, h: (f(x + h) - f(x - h)) / 2,
        ),
        Mistake(
            "not divided",
            "The difference is not divided; divide it by the distance of the two places, 2 h.",
            lambda f, x, h: f(x + h) - f(x - h),
        ),
        Mistake(
            "added",
            "The two values are added; subtract them.",
            lambda f, x, h: (f(x + h) + f(x - h)) / (2 * h),
        ),
        Mistake(
            "multiplied by 2 h",
            "The difference is multiplied by 2 h; divide by it.",
            lambda f, x, h: (f(x + h) - f(x - h)) * 2 * h,
        ),
        Mistake(
            "one side, divided by 2 h",
            "One step is divided by 2 h; from x to x + h it is one h, so take f(x + h) - f(x - h).",
            lambda f, x, h: (f(x + h) - f(x)) / (2 * h),
        ),
        Mistake(
            "twice the step",
            "Here f is taken at x + 2 h and x - 2 h; the step is h to each side.",
            lambda f, x, h: (f(x + 2 * h) - f(x - 2 * h)) / (4 * h),
        ),
        Mistake(
            "second derivative",
            "That is the second derivative; the slope is the first.",
            lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2,
        ),
        Mistake(
            "half the step",
            "Here f is taken at x + h / 2 and x - h / 2; the step is h to each side.",
            lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / h,
        ),
    ),
)
def central_difference(f, x, h):
    """Return the slope of f at the number x by a central difference of step h."""
    return gradcheck.numerical_gradient(f, x, h=h)


@exercise(
    notebook="03",
    domain=COMPLEX_SLOPES,
    returns="slope",
    hints=(
        "Step in an imaginary direction; Python writes the imaginary unit 1j.",
        "The slope is the imaginary part of f(x + 1j * h), divided by h. Take h tiny: 1e-30.",
        "np.imag(f(x + 1j * 1e-30)) / 1e-30",
    ),
    mistakes=(
        Mistake(
            "not divided by h",
            "The imaginary part is h times the slope; divide by h.",
            lambda f, x: np.imag(f(x + 1e-30j)),
        ),
        Mistake(
            "real part",
            "That is the real part; the slope stands in the imaginary one.",
            lambda f, x: np.real(f(x + 1e-30j)) / 1e-30,
        ),
        *(
            Mistake(
                "step too large",
                "The step is too large; nothing is subtracted, so h can be 1e-30.",
                lambda f, x, h=h: np.imag(f(x + 1j * h)) / h,
            )
            for h in (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5)
        ),
        Mistake(
            "real step",
            "The step is real, so the imaginary part is 0; write 1j * h.",
            lambda f, x: np.imag(f(x + 1e-30)) / 1e-30,
        ),
        *(
            Mistake(
                "central difference",
                "That is a central difference; it is exact to about ten digits only.",
                lambda f, x, h=h: (f(x + h) - f(x - h)) / (2 * h),
            )
            for h in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
        ),
        *(
            Mistake(
                "forward difference",
                "That is a forward difference: its step is real, and the subtraction loses digits.",
                lambda f, x, h=h: (f(x + h) - f(x)) / h,
            )
            for h in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
        ),
    ),
)
def complex_step(f, x):
    """Return the slope of f at the number x by the complex step, exact to rounding."""
    return gradcheck.complex_step_gradient(f, x)
