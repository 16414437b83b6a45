"""What a convention does, in words and formulas: the text behind `Convention.explain`."""

ONE_VALUE = {"beta": "its variance is 0, so y is beta", "error": "an error"}
EMPTY_BATCH = {
    "kept": "the running statistics stay, though it counts as a batch",
    "nan": "the running statistics become NaN",
    "error": "an error",
}
NON_FINITE = {"skip": "its running statistics skip the batch", "error": "an error"}


def explained(convention):
    """Yield the lines of the text."""
    yield convention.name
    yield "Training normalizes with the batch's own statistics, of m values per channel:"
    yield "    mu = sum(x) / m"
    yield "    var = sum((x - mu)^2) / m"
    yield f"    y = gamma * (x - mu) / sqrt(var + {convention.eps:g}) + beta"
    yield from _update(convention)
    yield from _evaluation(convention)
    yield f"Training on one value per channel: {ONE_VALUE[convention.one_value]}."
    yield f"Training on an empty batch: {EMPTY_BATCH[convention.empty_batch]}."
    if convention.non_finite in NON_FINITE:  # otherwise as in all frameworks
        yield f"NaN or infinity in a channel: {NON_FINITE[convention.non_finite]}."


def _update(convention):
    if convention.momentum is None:
        old, new = "(k - 1)/k", "1/k"
        yield "After batch k, the running statistics are the average over the k batches so far:"
    else:
        old, new = (f"{weight:g}" for weight in convention.weights(batches=1))
        yield (
            "After each batch, the running statistics move towards its own; "
            f"momentum {convention.momentum:g} weighs the {convention.weighs}:"
        )
    unbiased = convention.divisor == "m - 1"
    correction, prefix = (" * m / (m - 1)", "un") if unbiased else ("", "")
    yield f"    running_mean = {old} * running_mean + {new} * mu"
    yield f"    running_var = {old} * running_var + {new} * var{correction}"
    yield f"The running variance is {prefix}biased: its divisor is {convention.divisor}."
    mean, var = (
        "a given value" if initial is None else f"{initial:g}"
        for initial in (convention.initial_mean, convention.initial_var)
    )
    yield f"The running mean starts from {mean}, the running variance from {var}."


def _evaluation(convention):
    if convention.evaluation == "batch":
        yield "Evaluation normalizes with the batch's own statistics, as training does."
        return
    yield "Evaluation normalizes with the running statistics:"
    yield f"    y = gamma * (x - running_mean) / sqrt(running_var + {convention.eps:g}) + beta"
