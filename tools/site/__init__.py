"""Make the pages: the notebooks as they are stored, the documents, and the package's reference.

``make site`` lays out the sources in build/site-sources, lets Sphinx make pages of them in
build/site, and judges the pages. Nothing is executed, and nothing is fetched.
"""
