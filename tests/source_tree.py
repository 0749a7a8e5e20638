"""The checkout as files and imports, read without importing any of it."""

import ast
import dataclasses
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Everything of the project that holds Python; setup.py is for pip alone.
FOLDERS = ("tfvssl", "data_prep", "configs", "benchmarks", "tests")
_NOT_SOURCE = ("vectors", "__pycache__")


@dataclasses.dataclass(frozen=True)
class Import:
  """One imported module.

  Attributes:
    name: dotted; of a module of the project where it is one.
    line: in the file.
    top_level: whether it runs when the file is imported.
    relative: whether it is written with a dot.
  """

  name: str
  line: int
  top_level: bool
  relative: bool = False


def python_files(root: pathlib.Path = ROOT) -> list[pathlib.PurePosixPath]:
  """Returns every Python file of the project, relative to `root`, sorted."""
  found = []
  for folder in FOLDERS:
    for path in (root / folder).rglob("*.py"):
      relative = path.relative_to(root)
      if not any(
        part in _NOT_SOURCE or part.startswith(".") for part in relative.parts
      ):
        found.append(pathlib.PurePosixPath(relative.as_posix()))
  return sorted(found)


def module_name(path: pathlib.PurePosixPath) -> str:
  """Returns `tfvssl.data` for tfvssl/data/__init__.py, and so on."""
  parts = path.with_suffix("").parts
  return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(
  path: pathlib.PurePosixPath, root: pathlib.Path = ROOT
) -> list[Import]:
  """Returns what a file imports, those inside functions included.

  `from tfvssl.data import decode` is tfvssl.data.decode where that is a file,
  else tfvssl.data. Imports under `if TYPE_CHECKING:` are not top level.
  """
  tree = ast.parse((root / path).read_text(encoding="utf-8"), str(path))
  at_import = set(map(id, _nodes_run_at_import(tree)))
  found = []
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
      module = _module(node, path)
      names = [_target(module, alias.name, root) for alias in node.names]
    else:
      continue
    top_level = id(node) in at_import
    relative = bool(getattr(node, "level", 0))
    found += [Import(name, node.lineno, top_level, relative) for name in names]
  return sorted(found, key=lambda item: (item.line, item.name))


def _module(node, path):
  """Returns what `from` names, seen from the root."""
  if not node.level:
    return node.module
  above = path.parts[: -node.level]
  return ".".join([*above, *filter(None, [node.module])])


def _target(module, name, root):
  file = root.joinpath(*module.split("."), name)
  is_module = (
    file.with_suffix(".py").is_file() or (file / "__init__.py").is_file()
  )
  # A library's names are not files of the project: keep them, so that
  # `from official.modeling import x` shows which leaf is meant.
  ours = module.split(".")[0] in FOLDERS
  return f"{module}.{name}" if is_module or not ours else module


def _nodes_run_at_import(tree):
  """Yields the nodes outside functions and outside `if TYPE_CHECKING:`."""
  waiting = list(tree.body)
  while waiting:
    node = waiting.pop()
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
      continue
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
      waiting += node.orelse
      continue
    waiting += ast.iter_child_nodes(node)
