"""The exercises of notebook 04 on its two ideas: a broadcast, and a value that is used twice."""

from bnlib.exercises.checker.batches import ANY_IMAGES, AXES, WRONG_AXES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.prediction import prediction
from bnlib.exercises.checker.slips import Mistake
from bnlib.graph import primitives
from bnlib.judges import gradcheck


@prediction(
    notebook="04",
    hints=(
        "a is used twice. What does each use contribute?",
        "Through u: 2 a * v. Through v: u * 3. Then put in a = 4.",
        "96 + 48.",
    ),
    mistakes=(
        (192, "192 is f itself; the slope is wanted."),
        (96, "96 is what comes through u alone; a reaches f through v, too."),
        (48, "48 is what comes through v alone; a reaches f through u, too."),
        (
            11,
            "That is the sum of the two slopes; each must be multiplied by the other factor first.",
        ),
        (4608, "The two paths are multiplied; add them."),
    ),
)
def two_paths():
    """Say what the slope of f = u * v is at a = 4, where u = a * a and v = 3 * a."""
    return float(round(float(gradcheck.complex_step_gradient(lambda a: a * a * (3 * a), 4.0)), 6))


MAP_AXES = [axes for axes in (AXES, *WRONG_AXES) if axes != (0, 1)]


@exercise(
    notebook="04",
    domain=ANY_IMAGES,
    returns="dmap",
    hints=(
        "Forward, map[h, w] was copied. To how many places, and along which axes?",
        "It was copied to every image and every channel; the gradients of all copies add up.",
        "dout.sum(axis=(0, 1))",
    ),
    mistakes=(
        Mistake(
            "a mean",
            "That is a mean; the copies' gradients add up.",
            lambda dout: dout.mean(axis=(0, 1)),
        ),
        *(
            Mistake(
                f"sum over axes {axes}",
                f"The sum runs over the axes {axes}; sum over those that the map was copied along.",
                lambda dout, axes=axes: dout.sum(axis=axes),
            )
            for axes in MAP_AXES
        ),
    ),
    shows=(primitives.sum_back,),
)
def spread_back(dout):
    """Return the gradient (H, W) of a map that was added to each channel of each image."""
    return primitives.sum_back(dout, axes="HW", onto="NCHW")
