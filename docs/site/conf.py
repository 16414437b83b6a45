"""How Sphinx makes the pages; tools/site lays out what they are made from."""

from tools.site import pages, repository

DESCRIPTION = "Notebooks that teach one layer completely, from its mean to a compiled kernel."
project = "Batch normalization by hand"
author = "The bnlib authors"
copyright = author
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = []
default_role = "code"  # `this` in a docstring
language = "en"

nb_execution_mode = "off"  # the pages show what is committed
nb_merge_streams = True
nb_render_markdown_format = "myst"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["mystnb.unknown_mime_type"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False

templates_path = ["templates"]
html_theme = "sphinx_book_theme"
html_title = project
html_baseurl = repository.pages_address()
html_favicon = "static/favicon.svg"
html_css_files = ["bnlib.css"]
html_js_files = [("explorer.js", {"defer": "defer"}), ("page.js", {"defer": "defer"})]
html_context = {
    "default_mode": "auto",
    "html_baseurl": html_baseurl,
    "bnlib_description": DESCRIPTION,
}
html_copy_source = True
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_theme_options = {
    "repository_url": repository.address(),
    "repository_branch": "HEAD",
    "launch_buttons": {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    },
    "use_repository_button": True,
    "use_download_button": True,
    "home_page_in_toc": True,
    "search_bar_text": "Search",
    "show_navbar_depth": 1,
    "footer_content_items": "copyright.html",
}
copybutton_selector = "div:not(.output) > div.highlight > pre"
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
mathjax_path = "mathjax/startup.js"
# Without the menu, a tab stop at each formula. A screen reader gets MathML.
mathjax3_config = {
    "loader": {"load": ["input/tex", "output/chtml", "a11y/assistive-mml"]},
    "options": {"enableAssistiveMml": True},
}


def setup(app):
    """Connect what changes sources and pages on their way."""
    pages.connect(app)
