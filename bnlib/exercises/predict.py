"""Predictions that can be typed: ``predict.NAME(...)`` says right, close or not, and why.

>>> from bnlib import predict
>>> predict.factor_after_20_layers(...)
No prediction yet: put yours in place of the three dots.
>>> predict.factor_after_20_layers(40)
Not right. 40 adds up 20 doublings; each layer multiplies by 2.
>>> predict.factor_after_20_layers(1e6)
Close: it is 1,048,576. Each of 20 layers doubles the difference: 2 to the power of 20.
>>> predict.used_twice("x", "mean")
Close: 1 of these is right, and there are 2 in all.

A number is close within a factor, some names are close where a part of them is right. `ALL` maps
each name to its prediction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import erf, sqrt
from typing import Any

from bnlib.exercises.checker.outcomes import is_nothing, real_array
from bnlib.exercises.checker.shown import banner


@dataclass(frozen=True, repr=False)
class Verdict:
    """What became of a prediction: "right", "close", "not", or None for not made yet."""

    verdict: str | None
    message: str

    def __repr__(self):
        return self.message

    def _repr_html_(self):
        return banner({"not": "wrong", None: "open"}.get(self.verdict, self.verdict), self.message)


OPEN = Verdict(None, "No prediction yet: put yours in place of the three dots.")


@dataclass(frozen=True)
class Typed:
    """A question with one right answer; misses maps likely wrong ones to a sentence each."""

    right: Any
    why: str
    misses: Mapping = field(default_factory=dict)

    def __call__(self, *answer):
        """Judge an answer: one value, or several names."""
        if not answer or is_nothing(answer):
            return OPEN
        given = self.read(answer)
        if given is None:
            return Verdict("not", f"Not right. The answer is {self.wanted}.")
        if self.equal(given, self.right):
            return Verdict("right", f"Right. {self.why}")
        for miss, sentence in self.misses.items():
            if self.equal(given, miss):
                return Verdict("not", f"Not right. {sentence}")
        near = self.nearly(given)
        return Verdict("close", f"Close: {near}") if near else Verdict("not", self.nudge)

    @property
    def nudge(self):
        """What an answer is told that is wrong in a way nobody thought of."""
        return "Not right. Think once more, or run the next cell and see."

    def equal(self, a, b):
        """Return whether two answers are the same."""
        return a == b

    def nearly(self, given):
        """Say how a wrong answer is close, or return None."""


@dataclass(frozen=True)
class Number(Typed):
    """A number: right within a share of it, close within a factor."""

    share: float = 0.01
    factor: float = 1.5
    wanted = "a number"

    def read(self, answer):
        """Return one real number, or None."""
        array = _numbers(answer[0]) if len(answer) == 1 else None
        return float(array) if array is not None and array.ndim == 0 else None

    def equal(self, a, b):
        """Return whether two numbers agree within the share."""
        return abs(a - b) <= self.share * abs(b)

    def nearly(self, given):
        """Say the right number where the given one is within the factor."""
        if self.right and 1 / self.factor <= given / self.right <= self.factor:
            return f"it is {self.right:,.7g}. {self.why}"


@dataclass(frozen=True)
class Numbers(Typed):
    """Several whole numbers in order, such as a shape."""

    wanted = "a tuple of whole numbers"

    def read(self, answer):
        """Return a tuple of integers, or None."""
        array = _numbers(answer[0] if len(answer) == 1 else answer)
        if array is not None and array.ndim == 1 and (array == array.astype(int)).all():
            return tuple(array.astype(int).tolist())

    def nearly(self, given):
        """Say that the numbers are right, and their order is not."""
        if sorted(given) == sorted(self.right):
            return "the numbers are right, their order is not."


@dataclass(frozen=True)
class Names(Typed):
    """One or several words, in any order; right is a set of them."""

    wanted = "one or several words in quotes"

    def read(self, answer):
        """Return the set of words in lower case, or None."""
        words = answer[0] if len(answer) == 1 and not isinstance(answer[0], str) else answer
        if isinstance(words, (set, frozenset, list, tuple)) and all(
            isinstance(word, str) for word in words
        ):
            return frozenset(word.strip().lower() for word in words)

    def equal(self, a, b):
        """Return whether the words are the same."""
        return a == (frozenset({b}) if isinstance(b, str) else frozenset(b))

    def nearly(self, given):
        """Count the words that are right."""
        found = len(given & frozenset(self.right))
        if found:
            return f"{found} of these is right, and there are {len(self.right)} in all."


@dataclass(frozen=True)
class Choice(Typed):
    """One of five causes, by its number; misses says of each other one what speaks against it."""

    wanted = "one number from 1 to 5"

    def read(self, answer):
        """Return the number of a cause, or None."""
        array = _numbers(answer[0]) if len(answer) == 1 else None
        if array is not None and array.ndim == 0 and array in range(1, 6):
            return int(array)


def _numbers(value):
    """Return a value as an array of real numbers, or None; True is no number."""
    array = real_array(value)
    return None if array is None or array.dtype.kind == "b" else array


ALL = {
    # 01 Concept
    "factor_after_20_layers": Number(
        2**20,
        "Each of 20 layers doubles the difference: 2 to the power of 20.",
        {40: "40 adds up 20 doublings; each layer multiplies by 2.", 2: "2 is one layer's share."},
        factor=2.0,
    ),
    "scaled_xhat": Names(
        {"same"},
        "The mean takes the 5 with it, the standard deviation the 1000.",
        {
            "larger": "The standard deviation is 1000 times as large, too.",
            "shifted": "The mean is shifted by 5, too, and it is subtracted.",
        },
    ),
    "mu_of_the_table": Numbers(
        (64,),
        "Each of the 64 columns has one mean.",
        {(256,): "That is one mean for each row; each column has its own."},
    ),
    "count_in_the_patches": Number(
        6 * 96 * 96,
        "6 images, 96 rows and 96 columns share the mean of a channel.",
        {
            96 * 96: "That is one image's channel; all six images take part.",
            6 * 3 * 96 * 96: "That is the whole batch; each channel has its own mean.",
            6: "That is N, one position; all positions take part.",
        },
    ),
    "share_that_passes": Number(
        50 * (1 + erf(1 / sqrt(2))),
        "A bell curve has 84 % of its numbers above -1, and the channels have 80 to 85 %.",
        {50: "50 % pass with beta = 0; beta = 1 lifts all numbers by one standard deviation."},
        share=0.06,
        factor=1.25,
    ),
    # 02 Forward pass
    "shape_of_the_table": Numbers(
        (40, 3),
        "2 * 4 * 5 positions are the rows, 3 channels the columns.",
        {(2, 4, 5, 3): "That is after the transpose; the reshape merges three axes into one."},
    ),
    "first_row": Numbers(
        (0, 8, 16),
        "A row holds one position in all three channels.",
        {(0, 1, 2): "That is the first row of the reshape alone: three positions of channel 0."},
    ),
    "way_back": Numbers(
        (0, 3, 1, 2),
        "The channels are axis 3 now, and become axis 1.",
        {(0, 2, 3, 1): "The same again leads to (N, W, C, H), not back."},
    ),
    "mean_with_keepdims": Numbers(
        (1, 3, 1, 1),
        "The averaged axes stay, with size 1, so the mean meets the channel axis of x.",
        {(3,): "That is without keepdims; with it the averaged axes stay, with size 1."},
    ),
    "worst_channel": Number(
        1,
        "The error goes with 1 / variance, and channel 1 has the smallest variance.",
        {
            0: "Channel 0 has the largest variance, so the smallest error.",
            2: "Channel 2 comes second; look for the smallest standard deviation.",
        },
        factor=1.0,
    ),
    "different_outputs": Number(
        1, "The statistics are fixed, so the other images cannot matter.", factor=1.0
    ),
    # 03 Gradient checking
    "central_error_falls_by": Number(
        100,
        "Its error goes with the square of the step.",
        {10: "10 is the forward difference; in the central one the term with h cancels."},
        factor=1.3,
    ),
    "sum_of_xhat_squared": Number(
        40,
        "xhat has variance 1, so its m = 40 squares sum to m, whatever x is.",
        {1: "1 is their mean; there are 40 of them.", 0: "0 is the sum of xhat itself."},
        factor=1.0,
    ),
    "stored_in_whole_numbers": Number(
        3,
        "The array holds whole numbers, and cuts off the rest.",
        {3.00001: "The array holds whole numbers only."},
        share=0.0,
        factor=1.0,
    ),
    # 04 Computational graph
    "used_twice": Names(
        {"x", "x_minus_mean"},
        "x goes into the mean and the difference, x_minus_mean into the square and xhat.",
    ),
    "change_of_the_loss": Number(
        6,
        "Three places change, and their upstream gradients 1, 2 and 3 add up.",
        {
            2: "2 is their mean; the three contributions add up.",
            3: "Three places change, each with an upstream gradient of its own.",
        },
        factor=1.0,
    ),
    "slope_at_5": Number(
        13,
        "10 comes through the square, 3 through the product.",
        {
            10: "10 comes through the square alone.",
            3: "3 comes through the product alone.",
            30: "The two paths are added, not multiplied.",
            40: "40 is f itself; its slope is wanted.",
        },
        factor=1.0,
    ),
    "larger_part": Names(
        {"xhat"},
        "The variance's part lies along one of 40 directions, and dout has little of each.",
        {"x_minus_mean_sqr": "It lies along one of 40 directions, and dout has little of each."},
    ),
    "does_the_shape_tell": Names(
        {"no"}, "Both parts have the same shape as their sum.", {"yes": "Compare their shapes."}
    ),
    # 05 Closed form
    "share_of_a_large_eps": Number(
        1000 / 1025,
        "1000 / (25 + 1000): eps is nearly all that stands under the root.",
        {40: "The factor is eps / (var + eps), never above 1."},
        share=0.02,
    ),
    "differ_in_norm": Number(
        100 * sqrt(2 / 38),
        "The difference has 2 of the 40 directions, the true gradient the other 38.",
        {
            5: "That is the share of the squares; a norm is a root.",
            2: "2 counts directions; compare the roots of 2 and 38.",
        },
        share=0.05,
    ),
    "symmetric": Names(
        {"closed form", "twice too large"},
        "A factor leaves a symmetric matrix symmetric; a missing term does not.",
    ),
    # 06 Statistics
    "passes_the_exact_check": Names(
        {"sign flipped"}, "A flipped sign changes neither the means nor the standard deviations."
    ),
    "share_after_10": Number(
        1 - 0.9**10,
        "The start still weighs 0.9 to the power of 10, about a third.",
        {
            1: "Each batch adds a tenth of what is missing, not a tenth of the whole.",
            0.9**10: "That is the share of the start.",
        },
        share=0.03,
    ),
    "share_of_the_last_batch": Number(
        0.9,
        "In PyTorch momentum weighs the new value.",
        {0.1: "0.1 is what was meant; PyTorch's momentum weighs the new value."},
    ),
    "running_variance": Number(
        0.9 + 0.1 * 2.5 * 16 / 15,
        "0.9 * 1 + 0.1 * 2.5 * 16 / 15.",
        {1.15: "1.15 takes the biased variance; PyTorch remembers the unbiased one."},
        share=0.002,
        factor=1.1,
    ),
    # 07 When checks lie
    "caught_together": Names(
        {"no"}, "The two mistakes fit each other.", {"yes": "Compare the two with each other."}
    ),
    "caught_of_the_running": Number(12, "It compares with values written out by hand.", factor=1.2),
    "caught_with_equal_axes": Number(
        0, "With C = W every wrong shape fits.", {5: "The five need axes of different sizes."}
    ),
    "checks_needed": Number(
        4,
        "One for each part that nobody else runs or sees.",
        {
            1: "No check runs all parts of a layer.",
            10: "Several checks see nothing that another does not.",
        },
        factor=1.3,
    ),
    # 08 Other normalizations
    "means_of_group_norm": Number(
        4,
        "Two images with two groups each.",
        {8: "8 is instance norm.", 2: "2 is layer norm."},
        factor=1.0,
    ),
    "one_group_is": Names(
        {"layer norm"},
        "All channels of an image share a mean.",
        {"instance norm": "That is as many groups as channels.", "batch norm": "One image each."},
    ),
    "scatter_falls_by": Number(
        (1 / 2) / (sqrt(63) / 64),
        "sqrt(1) / 2 over sqrt(63) / 64.",
        {sqrt(32): "That is 1 / sqrt(N); mind the digit itself, which never varies."},
        share=0.03,
    ),
    "values_of_two_rows": Numbers(
        (-1, 1),
        "Two numbers lie one standard deviation below and above their mean.",
    ),
    # 09 Training
    "gradient_of_the_bias": Number(0, "Batch norm subtracts the mean, and the bias with it."),
    "gradient_of_louder_filters": Number(
        0.1,
        "The output stays, so a step of a filter ten times as large has a tenth of the effect.",
        {10: "The output stays the same.", 1: "A step counts less when the filter is larger."},
    ),
    "start_after_22_steps": Number(
        0.99**22, "0.99 to the power of 22.", {0.9**22: "That is for 0.9."}, share=0.02
    ),
    "exact_in_pieces": Names(
        {"layer", "group"}, "They treat each image by itself.", {"batch": "Its mean is a batch's."}
    ),
    # 10 Speed
    "nodes_that_cost_nothing": Names(
        {"sqrt_var", "one_over_sqrt_var"}, "They work on one number for each channel."
    ),
    "fastest_of_three": Names(
        {"multiply few, often"},
        "Its numbers are near already; the other two fetch them and put them back.",
        {
            "copy many": "The multiplications cost little; fetching the numbers costs most.",
            "multiply many": "It has to fetch as many numbers as the copy.",
        },
    ),
    "faults_of_a_new_array": Number(
        3136,
        "12,845,056 bytes, in pages of 4,096. With larger pages there are fewer.",
        {
            784: "A number has 4 bytes.",
            3211264: "That is the count of numbers; a page holds 1,024 of them.",
        },
    ),
    "faults_in_steady_training": Number(
        0,
        "Both results lie where those of the step before lay.",
        {6000: "That is what two new arrays cost. But the memory of the first step is free."},
    ),
    "digits_with_a_zero": Number(
        7 - 2 * 3,
        "A square spends twice the offset's 3 digits, and 32 bits hold about 7.",
        {
            4: "The offset spends 3 of 7 digits in a number, and twice as many in its square.",
            7: "7 digits are in each square; most of them cancel in the difference.",
        },
        factor=2.0,
    ),
    "missing_from_the_channels": Choice(
        2,
        "20 of 26 sweeps meet the cache, and the prediction has the other six.",
        {
            1: "The count above shows what they can cost: with 0 faults, nothing.",
            3: "They are about a thousand calls of a microsecond, so a millisecond.",
            4: "Each walk does one operation for a number, which costs less than moving it.",
            5: "It was measured with one, as NumPy's additions have.",
        },
    ),
    # 11 Clinic: the names say nothing, so that they give nothing away
    "case_1": Choice(
        4,
        "No gradient moves running statistics, so freezing weights does not stop them.",
        {
            1: "Running statistics have no gradient, and no optimizer knows them.",
            2: "Evaluation takes no variance of its rows, and a larger batch moves them, too.",
            3: "The answers before and after use one eps; only the step lies between them.",
            5: "Lost digits would change the last places, not the first.",
        },
    ),
    "case_2": Choice(
        3,
        "0.9 times infinity is infinity, so no later batch can wash it out.",
        {
            1: "Diverged weights would spoil the training output, too.",
            2: "A constant channel would be NaN in training as well.",
            4: "It is the last training batch, and in training its outputs are finite.",
            5: "A running variance is a weighted mean of variances, which are not negative.",
        },
    ),
    "case_3": Choice(
        1,
        "After 22 steps of momentum 0.99 the start has a weight of 0.80.",
        {
            2: "64 / 63 is far too near 1 for a spread of 1.6, and Keras divides by m.",
            3: "An eps of 0.001 beside a variance of 4 changes a ten-thousandth.",
            4: "gamma and beta are the same in both modes.",
            5: "With a momentum of 0.99 the last batch weighs 0.01.",
        },
    ),
    "case_4": Choice(
        5,
        "In evaluation mean and variance are given numbers, and nothing flows back through them.",
        {
            1: "In evaluation y is a straight line in x, and any step is right.",
            2: "An eps of 0.00001 beside a variance of 4 or 5 changes the sixth digit.",
            3: "It is the same x, and with any other a dout of ones would give zeros as well.",
            4: "That is so in training. In evaluation the derivative of the sum is not zero.",
        },
    ),
    "case_5": Choice(
        2,
        "0.0025 + 0.001 is 1.39 times 0.0025 + 0.00001, and the root of that is 1.18.",
        {
            1: "Nothing is trained here; momentum plays no part.",
            3: "The variance is a given number here, copied as it is.",
            4: "0.05 + 0.001 is 2 % more than 0.05; the outputs are 18 % apart.",
            5: "float32 would change the seventh digit.",
        },
    ),
    "case_6": Choice(
        4,
        "65 = 64 + 1. The mean of one value is that value, and nothing is left of it.",
        {
            1: "With another split the same rows train.",
            2: "It is not, and it would not help: the difference to the mean is zero.",
            3: "70 rows leave a last batch of 6, and that one trained.",
            5: "In training they are not read.",
        },
    ),
    "case_7": Choice(
        1,
        "Half of the numbers are zeros, so the mean falls from 3 to 1.5.",
        {
            2: "In evaluation the padding could not change anything.",
            3: "eps is the same for each length, and 0.00001.",
            4: "That is another layer; and its means would count the zeros as well.",
            5: "Then the middle one, 3, would still become 0. It becomes 0.79.",
        },
    ),
    "case_8": Choice(
        5,
        "Two updates of weight 0.1 weigh 0.19 together.",
        {
            1: "Pieces would be normalized by themselves, and the gradients would differ.",
            2: "dx sums to zero, so it would leave the mean where it is.",
            3: "Both start from 0 and 1, and the checkpoint takes in more of the batch, not less.",
            4: "Then the running mean would be 0.9 times 3, which is 2.7.",
        },
    ),
    "case_9": Choice(
        2,
        "A piece's mean is not the batch's, so the pieces belong to another function.",
        {
            1: "Without a norm the same division is exact.",
            3: "They are updated four times, but training does not read them.",
            4: "With unbiased variances the pieces would still have four means.",
            5: "The order is the same, and no order would help.",
        },
    ),
    "case_10": Choice(
        3,
        "y is the same for w and 0.1 w; its gradient is ten times as large.",
        {
            1: "There is no bias, and the weights are a tenth of what they were.",
            2: "eps is 0 here.",
            4: "gamma is 1 in both.",
            5: "The outputs are looked at right behind the norm.",
        },
    ),
    "case_11": Choice(
        4,
        "Zeros among doubled values spread more than the values themselves.",
        {
            1: "Then the variance would be too small, and the spread in evaluation above 1.",
            2: "Then the mean would be off by half.",
            3: "An eps of 0.00001 does nothing beside a variance near 1.",
            5: "The ReLU comes before the norm, and in both modes.",
        },
    ),
    "case_12": Choice(
        1,
        "A square weight fits both ways, so no shape can complain.",
        {
            2: "Then each row would be off by the same three numbers; print them, and they differ.",
            3: "The variances lie between 0.5 and 2; eps would change the fifth digit.",
            4: "It is used as the weight was before: x @ weight.T.",
            5: "The same running statistics are given to both.",
        },
    ),
    "case_13": Choice(
        5,
        "Weights of 6 and 2 mend the mean; the variance lacks the spread between the shards.",
        {
            1: "The two rows of the smaller shard have a mean of 21, not 12.25.",
            2: "No running statistics are in it; all numbers are of this batch.",
            3: "That would change the last digits.",
            4: "No divisor changes a mean, nor makes 2 of 60.",
        },
    ),
    "case_14": Choice(
        3,
        "The squares are near 100,000,000, where neighbouring float32 numbers are 8 apart.",
        {
            1: "eps cannot bring lost digits back; it only hides a negative variance.",
            2: "float32 holds squares up to numbers of 1e19.",
            4: "With 4096 values that changes the fourth digit.",
            5: "float32 holds numbers near 10,000 to a thousandth, and their spread is 1.",
        },
    ),
    "case_15": Choice(
        2,
        "Near 96 neighbouring bfloat16 numbers are 0.5 apart, and 0.9 * 96 + 10 is 96 again.",
        {
            1: "100 is a number of bfloat16; nothing of it is lost.",
            3: "bfloat16 reaches as far as float32.",
            4: "It is the mean that is off.",
            5: "The loss plays no part in the forward pass.",
        },
    ),
    "case_16": Choice(
        5,
        "One averages over C at each position, the other over C, H and W together.",
        {
            1: "Both were given the same array, and a transposed one would not fit gamma.",
            2: "That is one factor for all numbers; here each differs by its own.",
            3: "Over the image both have mean 0.",
            4: "gamma is 1 everywhere.",
        },
    ),
    # 12 Many machines
    "right_for_unequal_shards": Names(
        {"sums", "merged"},
        "Both know how far apart the shards' means are.",
        {
            "average": "Averages forget the spread between the shards, and how large each is.",
            "weighted": "Weights mend the mean; the spread between the shards is still missing.",
        },
    ),
    "two_digits_far_from_zero": Names(
        {"sums 64", "merged 32", "merged 64"},
        "A better scheme is worth about as much here as twice the bits.",
        {
            "sums 32": "A million squared has 13 digits, and 32 bits hold seven.",
        },
    ),
    "traffic_grows_with": Names(
        {"channels", "shards"},
        "Each shard sends three numbers per channel, however many images it holds.",
        {"images": "A shard sends its moments, and these are as many for any number of images."},
    ),
    "machines_with_one_receiver": Number(
        sqrt(100e-3 / 10e-6),
        "With 100 machines the walk takes 1 ms, and so do the merges.",
        {
            100e-3 / 10e-6: "There one merge takes as long as a shard, but there are 9,999.",
            1: "Two machines halve the walk, and add a single merge of 10 µs.",
        },
        share=0.05,
        factor=2.0,
    ),
}

__all__ = ["ALL", *ALL]

globals().update(ALL)
