"""BUILD as targets, read by running it: Starlark's calls are Python's, too."""

import dataclasses
import functools
import os
import pathlib
import re

from tests import source_tree


@dataclasses.dataclass(frozen=True)
class Target:
  """One rule of BUILD.

  Attributes:
    kind: py_library, py_binary or py_test.
    name: without the colon.
    srcs: files, relative to the root.
    deps: names of targets, without the colon.
    main: the file that is run, or None.
  """

  kind: str
  name: str
  srcs: tuple[str, ...] = ()
  deps: tuple[str, ...] = ()
  main: str | None = None


def targets(root: pathlib.Path = source_tree.ROOT) -> list[Target]:
  """Returns the targets of `root`/BUILD, in its order."""
  found: list[Target] = []

  def rule(kind):
    def call(name, srcs=(), deps=(), main=None, data=()):
      del data
      short = tuple(dep.removeprefix(":") for dep in deps)
      found.append(Target(kind, name, tuple(srcs), short, main))

    return call

  code = compile((root / "BUILD").read_text(encoding="utf-8"), "BUILD", "exec")
  names = {kind: rule(kind) for kind in ("py_library", "py_binary", "py_test")}
  known = {**names, "glob": functools.partial(glob, root), "package": dict}
  exec(code, known)
  return found


def glob(
  root: pathlib.Path, include: list[str], exclude: tuple[str, ...] = ()
) -> list[str]:
  """Returns the files of the patterns, as Bazel's glob does, sorted."""
  files = {
    pattern: set(filter(_pattern(pattern).fullmatch, _visible_files(root)))
    for pattern in {*include, *exclude}
  }
  chosen = set().union(*(files[pattern] for pattern in include))
  return sorted(chosen.difference(*(files[pattern] for pattern in exclude)))


def _pattern(text):
  parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
  words = re.split(r"(\*\*/|\*\*|\*)", text)
  return re.compile("".join(parts.get(w, re.escape(w)) for w in words))


@functools.cache
def _visible_files(root):
  found = []
  for folder, folders, names in os.walk(root):
    # In place: os.walk goes into those that are left.
    folders[:] = [name for name in folders if not name.startswith(".")]
    found += [
      (pathlib.Path(folder) / name).relative_to(root).as_posix()
      for name in names
      if not name.startswith(".")
    ]
  return found
