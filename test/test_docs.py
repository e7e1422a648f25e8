"""The documents name what exists: links, headings, files, functions and make targets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
NAMED = re.compile(r"(?P<path>[\w./-]+\.(?:py|yaml|yml|toml|xml|sh|csv|html))(?::(?P<name>[A-Za-z_][\w.]*))?")
FOLDERS = ("mdsm_ros/", "training/", "test/", "config/", "launch/", "scripts/", "docs/", ".github/")
BASES = ("", "mdsm_ros/", "training/")  # what a path in the text may be relative to, beside the document's folder


def documents(root: Path) -> list[Path]:
    return [
        *sorted(root.glob("*.md")),
        *sorted((root / "docs").rglob("*.md")),
        *sorted((root / "training").glob("*.md")),
    ]


def anchors(text: str) -> set[str]:
    """The headings of a page, as GitHub writes them in addresses."""
    headings = (re.sub(r"[`*]|\[|\]\([^)]*\)", "", heading) for heading in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> Iterator[str]:
    for link in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        address, _, heading = link.partition("#")
        target = document.parent / address if address else document
        if re.match(r"[a-z]+:", address):
            continue
        if not target.exists() or (heading and heading not in anchors(target.read_text(encoding="utf-8"))):
            yield link


def defined(file: Path) -> set[str]:
    """Functions, classes, methods (Class.method) and constants of a module."""
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def missing_names(document: Path, root: Path) -> Iterator[str]:
    """Code in the text that reads as a path, or as path:name, and leads nowhere."""
    for code in CODE.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        match = NAMED.fullmatch(code)
        if match is None:
            if re.fullmatch(r"[\w./-]+/", code) and code.startswith(FOLDERS) and not (root / code).is_dir():
                yield code
            continue
        path = match["path"]
        ours = path.startswith(FOLDERS) or (path.endswith(".py") and "/" in path)
        if not ours and match["name"] is None:
            continue  # a user's own file
        places = [place / path for place in (document.parent, *(root / base for base in BASES))]
        file = next((place for place in places if place.is_file()), None)
        if file is None or (match["name"] is not None and match["name"] not in defined(file)):
            yield code


def unknown_targets(document: Path, root: Path) -> set[str]:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^ {4})make ([a-z][a-z-]*)", text, re.MULTILINE)
    return set(named) - set(TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", documents(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path) -> None:
    assert list(broken_links(document)) == []
    assert list(missing_names(document, ROOT)) == []
    assert unknown_targets(document, ROOT) == set()


def test_every_page_of_the_documents_is_in_their_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")} - {"index.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


@pytest.mark.parametrize(
    ("package", "page"), [("mdsm_ros", "docs/architecture.md"), ("training", "training/README.md")]
)
def test_every_folder_of_a_package_is_listed(package: str, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    folders = {f"`{package}/{folder.parent.name}/`" for folder in (ROOT / package).glob("*/__init__.py")}
    assert folders
    assert {folder for folder in folders if folder not in text} == set()


def test_every_make_target_is_explained_by_make_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    explained = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert {target for line in phony for target in line.split()} == explained
    assert TARGET.findall(makefile)[0] == "help"


def test_what_leads_nowhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mdsm_ros").mkdir()
    (tmp_path / "mdsm_ros/a.py").write_text("X: int = 1\n\n\nclass C:\n    def f(self) -> None: ...\n")
    (tmp_path / "Makefile").write_text("help:  ## this\n")
    page = tmp_path / "docs/page.md"
    page.write_text(
        "# One `two`\n[here](#one-two) [gone](#three) [file](../mdsm_ros/a.py) [none](none.md) [web](https://x.org)\n"
        "`mdsm_ros/a.py` `mdsm_ros/a.py:X` `a.py:C.f` `mdsm_ros/b.py` `a.py:g` `mdsm_ros/c/` `my.yaml`\n"
        "`make help`, `make gone`\n"
    )
    assert list(broken_links(page)) == ["#three", "none.md"]
    assert list(missing_names(page, tmp_path)) == ["mdsm_ros/b.py", "a.py:g", "mdsm_ros/c/"]
    assert unknown_targets(page, tmp_path) == {"gone"}
    assert documents(tmp_path) == [page]
