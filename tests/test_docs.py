"""The pages for people: what they name is there."""

import ast
import re

import pytest

from tests import build_file
from tests import page_commands
from tests import source_tree
from tfvssl import __main__ as front
from tfvssl.config import moved
from tfvssl.runtime import exit_codes

ROOT = source_tree.ROOT
PAGES = [
  ROOT / "README.md",
  ROOT / "CHANGELOG.md",
  *sorted((ROOT / "docs").rglob("*.md")),
]
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# Where a path in a page may start.
_STARTS = ("", "tfvssl", "tfvssl/methods")


def _text(page):
  return page.read_text(encoding="utf-8")


def _anchors(page):
  """Returns the anchors of the page's headings, as GitHub makes them."""
  headings = re.findall(r"^#+ (.*)$", _text(page), re.MULTILINE)
  return {
    re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    for heading in headings
  }


def _rows(page, heading):
  """Returns the cells of the table whose head has `heading` first."""
  lines = _text(page).splitlines()
  (first,) = [
    number
    for number, line in enumerate(lines)
    if line.startswith(f"| {heading} |")
  ]
  rows = []
  for line in lines[first + 2 :]:
    if not line.startswith("|"):
      break
    rows.append([cell.strip() for cell in line.strip("|").split("|")])
  return rows


def test_readme_is_short():
  assert len(_text(ROOT / "README.md").splitlines()) <= 110


def test_pictures_are_small():
  pictures = list((ROOT / "docs" / "images").iterdir())
  assert pictures
  for picture in pictures:
    assert picture.stat().st_size < 150_000, picture.name


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
  broken = []
  for link in _LINK.findall(_text(page)):
    path, _, anchor = link.partition("#")
    if "://" in path:
      continue
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or (anchor and anchor not in _anchors(target)):
      broken.append(link)
  assert not broken


def _flags_of(module):
  """Returns the names of the flags that a command's file defines."""
  file = ROOT.joinpath(*module.split("."))
  file = file / "__main__.py" if file.is_dir() else file.with_suffix(".py")
  found = set()
  for node in ast.walk(ast.parse(_text(file))):
    if not isinstance(node, ast.Call):
      continue
    called = ast.unparse(node.func)
    if called.split(".")[-1].startswith("DEFINE_"):
      found.add(ast.literal_eval(node.args[0]))
    elif called == "flag.define_config":
      found.add("config")
  return found


def _commands(page):
  """Yields module and flags of every command in the page's blocks."""
  for command in page_commands.of_page(page):
    if command.program == "python -m":
      yield command.words[0], command.flags


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_have_the_flags_that_they_are_given(page):
  for module, arguments in _commands(page):
    flags = _flags_of(module)
    for argument in arguments:
      name = argument.removeprefix("--").partition("=")[0].split(".")[0]
      assert name in flags, f"{module} has no {argument}"


def test_commands_are_found():
  flags = ["--workdir=RUN", "--output=EXPORT"]
  assert ("tfvssl.export", flags) in _commands(ROOT / "README.md")
  found = list(_commands(ROOT / "docs" / "mmv.md"))
  assert found[0] == (
    "data_prep.generate_demo",
    ["--output=TOLD", "--captions"],
  )
  assert ("tfvssl.export", flags) in _commands(ROOT / "docs/add_a_method.md")
  learning = [
    module for module, _ in _commands(ROOT / "docs/learning/README.md")
  ]
  assert learning[-1] == "benchmarks.cross_modal"
  assert "seed" in _flags_of("data_prep.generate_demo")


def test_table_of_commands_is_that_of_the_front_command():
  rows = _rows(ROOT / "docs" / "commands.md", "`tfvssl`")
  names = [name.strip("`") for name, _ in rows]
  assert sorted(names) == sorted(front.COMMANDS)


@pytest.mark.parametrize("name", ["architecture", "glossary", "commands"])
def test_paths_are_there(name):
  page = _text(ROOT / "docs" / f"{name}.md")
  paths = re.findall(r"`([a-z_]\w*/[\w/.*]*|BUILD)`", page)
  assert paths
  for path in paths:
    assert any(list((ROOT / start).glob(path)) for start in _STARTS), path


def test_table_of_arrows_is_that_of_build():
  page = ROOT / "docs" / "architecture.md"
  expected = [
    [target.name, ", ".join(target.deps) or "nothing"]
    for target in build_file.targets()
    if target.kind == "py_library"
    and target.name not in ("everything", "test_helpers")
  ]
  lines = "\n".join(f"| {name} | {deps} |" for name, deps in expected)
  assert _rows(page, "library") == expected, f"write these lines:\n{lines}"


def test_exit_codes_are_all_told():
  codes = {
    value
    for name, value in vars(exit_codes).items()
    if name.isupper() and isinstance(value, int)
  }
  told = {int(code) for code, _ in _rows(ROOT / "docs" / "commands.md", "code")}
  assert told == codes


def test_changelog_names_the_places_of_today():
  rows = _rows(ROOT / "CHANGELOG.md", "0.1.0")
  assert len(rows) > 20
  for old, new in rows:
    if "*" not in old and "METHOD" not in new:
      assert moved.current_place(old.strip("`")) == new.strip("`")
