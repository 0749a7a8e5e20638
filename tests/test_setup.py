"""What an installation that is not a checkout would lack."""

import ast
import fnmatch
import re

from tests import source_tree
from tfvssl import __main__ as front


def test_every_file_that_is_no_module_is_shipped():
  tree = ast.parse((source_tree.ROOT / "setup.py").read_text(encoding="utf-8"))
  (shipped,) = (
    ast.literal_eval(keyword.value)
    for node in ast.walk(tree)
    if isinstance(node, ast.Call)
    for keyword in node.keywords
    if keyword.arg == "package_data"
  )
  found = {
    path.relative_to(source_tree.ROOT / "tfvssl").as_posix()
    for path in (source_tree.ROOT / "tfvssl").rglob("*")
    if path.is_file() and path.suffix not in (".py", ".pyc")
  }
  assert all(
    any(fnmatch.fnmatch(name, pattern) for pattern in shipped["tfvssl"])
    for name in found
  )
  assert {"report_template.html", "style.css", "clips.js"} <= {
    name.removeprefix("pages/") for name in found
  }


def _constant(name):
  """Returns the value that setup.py gives to a name."""
  text = (source_tree.ROOT / "setup.py").read_text(encoding="utf-8")
  (value,) = (
    node.value
    for node in ast.parse(text).body
    if isinstance(node, ast.Assign) and node.targets[0].id == name
  )
  return ast.literal_eval(value)


def test_every_command_has_its_script():
  direct, of_front = _constant("_BINARIES"), _constant("_PREPARATION")
  names = {name.removeprefix("tfvssl-") for name in direct} | {
    name.removeprefix("make-") for name in of_front
  }
  assert names == set(front.COMMANDS)
  for name, module in direct.items():
    assert front.COMMANDS[name.removeprefix("tfvssl-")].module == module
  for command in front.COMMANDS.values():
    file = source_tree.ROOT.joinpath(*command.module.split("."))
    text = file.with_suffix(".py").read_text(encoding="utf-8")
    assert "\ndef console_main() -> None:" in text


def test_image_has_what_is_installed_and_starts_the_front_command():
  text = (source_tree.ROOT / "Dockerfile").read_text(encoding="utf-8")
  copied = {
    word
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE)
    for word in line.split()
  }
  ignored = (source_tree.ROOT / ".dockerignore").read_text(encoding="utf-8")
  assert copied == {
    line[1:] for line in ignored.splitlines() if line.startswith("!")
  }
  assert {"tfvssl", "setup.py", *_constant("_BUNDLED")} <= copied
  for name in copied:
    assert (source_tree.ROOT / name).exists(), name
  assert 'ENTRYPOINT ["tfvssl"]' in text
  # The last user that is named runs it, and is not root.
  assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == ["tfvssl"]
