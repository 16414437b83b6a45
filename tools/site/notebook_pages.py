"""What a notebook's page shows in place of what only a kernel can: explorers, answers to write."""

import re
from html import escape

from tools.site import explorers, repository

UNANSWERED = re.compile(r"(Not written yet|No prediction yet)\b")  # as exercises say it


def as_page(notebook, path):
    """Return a notebook, a dict, as its page shows it; path says where its file is."""
    for cell in notebook["cells"]:
        outputs = cell.get("outputs", [])
        for k, output in enumerate(outputs):
            said = joined(output.get("data", {}).get("text/plain", ""))
            if UNANSWERED.match(said):
                outputs[k] = html_output(how_to_answer(path), said)
            elif explorer := explorer_shown(output):
                outputs[k] = html_output(page_element(explorer), said)
    return notebook


def joined(text):
    """Return a text that a notebook file may hold in lines."""
    return text if isinstance(text, str) else "".join(text)


def html_output(html, said):
    """Return an output of a notebook: HTML, and the same in plain text."""
    data = {"text/html": html, "text/plain": said}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def how_to_answer(path):
    """Say where the answer to an exercise or a prediction can be written and checked."""
    binder, colab = (
        f'<a href="{escape(address)}">{name}</a>'
        for name, address in repository.launch_addresses(path).items()
    )
    return (
        '<p class="bnlib-answer">Write your answer in the notebook, and a check says at once what '
        f"is right or wrong: <code>make lab</code> on your machine, or {binder} or {colab} with "
        "nothing installed.</p>"
    )


def explorer_shown(output):
    """Return the explorer whose still picture an output is, or None."""
    said = joined(output.get("data", {}).get("text/plain", ""))
    return next((e for e in explorers.every().values() if said == f"Figure: {e.still.alt}"), None)


def page_element(explorer):
    """Return the page's element for an explorer: its still picture, until its script has come."""
    still = explorer._repr_mimebundle_()["text/html"]
    return f'<bnlib-explorer name="{explorer.name}">{still}</bnlib-explorer>'
