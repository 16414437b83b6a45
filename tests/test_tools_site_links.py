"""Links of the README and the notebooks lead on from their pages."""

import pytest

from tools.site import links, repository

PAGES = {"index", "CONTRIBUTING", "docs/notation", "notebooks/01_concept"}
FILE = repository.file_address("LICENSE")


@pytest.mark.parametrize(
    ("target", "docname", "expected"),
    [
        ("docs/notation.md", "index", "docs/notation.md"),
        ("notebooks/01_concept.ipynb", "index", "notebooks/01_concept.ipynb"),
        ("LICENSE", "index", FILE),
        ("../LICENSE", "notebooks/01_concept", FILE),
        ("../README.md", "docs/notation", "../index.md"),
        ("README.md", "CONTRIBUTING", "index.md"),
        ("docs/checks.svg", "index", "docs/checks.svg"),
        ("gone.md", "index", "gone.md"),
        ("../docs/architecture.md", "index", "../docs/architecture.md"),
        ("../bnlib/README.md", "docs/notation", repository.file_address("bnlib/README.md")),
    ],
)
def test_link_leads_to_a_page_or_to_a_file_of_the_repository(target, docname, expected):
    assert links.destination(target, docname, PAGES) == expected


def test_text_keeps_all_but_its_links():
    text = (
        "A [licence](LICENSE), [here](docs/notation.md#the-layer), `x](y` and [out](https://a.b/c)."
    )
    made = links.for_page(text, "index", PAGES)
    assert made == text.replace("(LICENSE)", f"({FILE})")


def test_place_in_a_notebook_is_named_as_its_page_names_it():
    text = "[a](notebooks/01_concept.ipynb#Case-9:-It's-x) [b](#It-broke) [c](LICENSE#L-3)"
    made = links.for_page(text, "index", PAGES)
    assert made == (f"[a](notebooks/01_concept.ipynb#case-9-its-x) [b](#it-broke) [c]({FILE}#L-3)")


def test_unknown_repository_is_named_where_it_is_known(monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "ann/bnlib")
    assert links.for_page("gh/OWNER/REPO/HEAD", "index", PAGES) == "gh/ann/bnlib/HEAD"
    site = links.for_page("[Pages](https://OWNER.github.io/REPO/)", "index", PAGES)
    assert site == "[Pages](https://ann.github.io/bnlib/)"


@pytest.mark.parametrize(
    ("environment", "remote", "expected"),
    [
        ({"GITHUB_REPOSITORY": "ann/a"}, "git@github.com:bob/b.git", "ann/a"),
        ({}, "git@github.com:bob/b.git", "bob/b"),
        ({}, "https://github.com/bob/b", "bob/b"),
        ({}, "/srv/git/main", repository.UNKNOWN),
        ({}, "", repository.UNKNOWN),
    ],
)
def test_repository_is_what_the_workflow_says_or_git_or_unknown(environment, remote, expected):
    assert repository.name(environment, remote) == expected


def test_addresses_follow_the_repository(monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "ann/bnlib")
    assert repository.pages_address() == "https://ann.github.io/bnlib/"
    assert repository.file_address("LICENSE") == "https://github.com/ann/bnlib/blob/HEAD/LICENSE"
    addresses = repository.launch_addresses("notebooks/01_concept.ipynb")
    assert all("ann/bnlib" in address for address in addresses.values())
    assert all(address.endswith("notebooks/01_concept.ipynb") for address in addresses.values())
