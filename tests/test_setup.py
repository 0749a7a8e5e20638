"""What an installation that is not a checkout would lack."""

import ast
import fnmatch

from tests import source_tree


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
