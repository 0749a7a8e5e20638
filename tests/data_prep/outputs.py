"""What an output folder holds, for comparisons."""

import pathlib


def files_of(folder: pathlib.Path) -> dict[str, bytes]:
  """Returns every file of an output but its state, by relative path."""
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in sorted(folder.rglob("*"))
    if path.is_file() and ".prepare" not in path.parts
  }
