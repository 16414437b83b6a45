"""Three questions on the notebook before: ``recap.concept(..., ..., ...)`` judges all at once.

>>> from bnlib import recap
>>> recap.concept(200, (0, 1), ...)
1. Right. 8 images with 5 * 5 positions each.
2. Not right. Axis 1 is the channels'; each channel keeps a mean of its own.
3. No prediction yet: put yours in place of the three dots.

A function is named after the notebook that it asks about.
"""

from dataclasses import dataclass
from math import sqrt

from bnlib.exercises.predict import Names, Number, Numbers, Typed, Verdict

SAME = "same"


@dataclass(frozen=True, repr=False)
class Verdicts:
    """What became of the answers, one by one."""

    verdicts: tuple[Verdict, ...]

    def __repr__(self):
        return "\n".join(f"{k}. {one}" for k, one in enumerate(self.verdicts, start=1))

    def _repr_html_(self):
        return "".join(one._repr_html_() for one in self.verdicts)


@dataclass(frozen=True)
class Recap:
    """Questions that are answered together, each with one value."""

    questions: tuple[Typed, ...]

    def __call__(self, *answers):
        """Judge an answer to each question; dots, or nothing, leave one open."""
        wanted, given = len(self.questions), len(answers)
        if given > wanted:
            message = f"Not right. {wanted} answers are asked for; got {given}."
            return Verdicts((Verdict("not", message),))
        padded = (*answers, *[...] * (wanted - given))
        pairs = zip(self.questions, padded, strict=True)
        return Verdicts(tuple(question(answer) for question, answer in pairs))


ALL = {
    name: Recap(questions)
    for name, questions in {
        "start": (
            Numbers(
                (3,),
                "The axes 0 and 2 are averaged away, and axis 1 stays.",
                {(2, 4): "Those are the axes that are averaged; the others stay."},
            ),
            Number(
                4,
                "All four lie 2 from their mean, 3.",
                {
                    2: "2 is the standard deviation, the root of the variance.",
                    16 / 3: "That divides by 3; here the sum of squares is divided by the count.",
                },
                factor=1.0,
            ),
            Names(
                {SAME},
                "The mean moves along, so the deviations stay.",
                {"larger": "Deviations from the mean count, not the numbers themselves."},
            ),
        ),
        "concept": (
            Number(
                8 * 5 * 5,
                "8 images with 5 * 5 positions each.",
                {25: "All images take part.", 8 * 16 * 25: "Each channel has its own mean."},
                factor=1.0,
            ),
            Numbers(
                (0, 2, 3),
                "Over all axes but the channel's.",
                {(0, 1): "Axis 1 is the channels'; each channel keeps a mean of its own."},
            ),
            Number(
                3,
                "xhat has mean 0, so 3, beta, is what stays.",
                {5: "gamma is multiplied by a mean of 0.", 0: "That is the mean of xhat."},
                factor=1.0,
            ),
        ),
        "forward_pass": (
            Numbers(
                (1, 6, 1, 1),
                "The averaged axes stay, with size 1.",
                {(6,): "That is without keepdims.", (4, 1, 5, 5): "Axis 1 is the one that stays."},
            ),
            Names(
                {"running"},
                "The output for an image must not depend on the others.",
                {"batch": "That is training; a single image may have no batch."},
            ),
            Number(
                sqrt(3 / 4),
                "sqrt(3) / sqrt(3 + 1).",
                {1: "eps takes a little away, and here it is large.", 0.75: "Take the root."},
                factor=1.1,
            ),
        ),
        "gradient_checking": (
            Names(
                {"central"},
                "The terms with h cancel, and those with its square stay.",
                {"forward": "Its error falls with h itself."},
            ),
            Number(
                0,
                "Ones ask for the gradient of a sum of xhat, and that sum is always 0.",
                {1: "Nothing that is done to x changes the sum of xhat."},
            ),
            Names(
                {"imaginary"},
                "f(x + ih) is f(x) + ih f'(x), but for terms with the square of h.",
                {"real": "The real part is f(x) itself."},
            ),
        ),
        "computational_graph": (
            Number(
                6,
                "a is used twice, and 3 comes back along each way.",
                {3: "3 comes back along each of two ways.", 9: "The two are added."},
                factor=1.0,
            ),
            Names(
                {"summed"},
                "beta stands at every place of the channel; all contributions add up.",
                {"averaged": "Nothing divides by m.", "copied": "beta has one number a channel."},
            ),
            Number(
                2,
                "Each number enters the mean with 1 / 4.",
                {8: "Each number enters the mean with a quarter.", 32: "Divide by 4."},
                factor=1.0,
            ),
        ),
        "closed_form": (
            Number(0, "The mean of dout is subtracted: shifting a channel changes nothing."),
            Number(
                0.1,
                "inv_std falls to a tenth, and xhat stays.",
                {10: "The larger x, the less a small step counts.", 1: "y stays, and dx does not."},
                factor=1.0,
            ),
            Names(
                {"ones", "xhat"},
                "Shifting and scaling a channel change nothing.",
            ),
        ),
        "statistics": (
            Number(
                5,
                "4 * 5 / (5 - 1).",
                {4 * 4 / 5: "The factor is upside down: the unbiased variance is larger."},
                factor=1.0,
            ),
            Number(
                0.9,
                "In PyTorch momentum weighs the new value.",
                {0.1: "In PyTorch momentum weighs the new value, so the old one has the rest."},
                factor=1.0,
            ),
            Names(
                {"two passes"},
                "The mean is subtracted first, and nothing large is left to cancel.",
                {"one pass": "Two squares of 100,000,000 are subtracted, in seven digits."},
            ),
        ),
        "checks": (
            Names(
                {"ones"},
                "With ones upstream dx is 0, and so are many wrong ones.",
                {"random": "Random numbers ask for every part of the gradient."},
            ),
            Names(
                {"no"},
                "It compares the backward pass with the forward pass, right or wrong.",
                {"yes": "It compares the backward pass with the forward pass, and the two fit."},
            ),
            Names(
                {"hide"},
                "A wrong axis gives the right shape, so nothing complains.",
                {"show": "A wrong axis then gives the right shape."},
            ),
        ),
        "normalizations": (
            Number(
                2 * 3,
                "2 images with 3 groups each.",
                {3: "Each image has its own.", 12: "That is instance norm."},
                factor=1.0,
            ),
            Names(
                {"batch"},
                "The others treat each image by itself.",
                dict.fromkeys(("layer", "instance", "group"), "It treats each image by itself."),
            ),
            Number(
                4 * 4,
                "One image's channel has 4 * 4 positions.",
                {32: "That is batch norm.", 96: "That is layer norm."},
                factor=1.0,
            ),
        ),
        "training": (
            Number(0, "Batch norm subtracts the mean, and the bias with it."),
            Names(
                {SAME},
                "mu and the standard deviation become ten times as large, too.",
                {"larger": "It is divided by a standard deviation ten times as large."},
            ),
            Number(
                3,
                "6 / sqrt(3 + 1).",
                {6: "Divide by the root of running_var + eps.", 1.5: "Take the root of 4."},
                factor=1.0,
            ),
        ),
        "speed": (
            Number(
                5,
                "x is read and y written; then x and dout are read and dx written.",
                {3: "The forward pass reads x and writes y, too."},
            ),
            Number(
                0.07,
                "7 times 0.1 GB, divided by 10 GB a second.",
                {0.01: "That is one sweep; there are seven."},
            ),
            Names(
                {"calls"},
                "120 numbers are read and computed in a fraction of a microsecond.",
                {"memory": "120 numbers lie in the cache.", "arithmetic": "They are only 120."},
            ),
        ),
        "clinic": (
            Names(
                {"training"},
                "Each forward pass in training mode moves them, frozen weights or not.",
                {"evaluation": "There they are read, and stay as they are."},
            ),
            Number(
                0.19,
                "1 - 0.9 * 0.9.",
                {0.2: "The second update takes its tenth of what the first has left."},
            ),
            Number(
                1,
                "129 = 2 * 64 + 1; with one value a channel has no variance.",
                {64: "Two batches of 64 are 128; something is left."},
            ),
        ),
    }.items()
}

__all__ = ["ALL", *ALL]

globals().update(ALL)
