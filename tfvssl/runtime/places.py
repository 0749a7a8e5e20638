"""Where a command may put its output: asked before it does anything."""

import pathlib

from tfvssl.runtime import storage


def check_free(output: storage.PathLike) -> storage.Path:
  """Checks that a folder can appear there and nothing would be overwritten.

  Returns:
    The path without links: a folder cannot be renamed to a link.

  Raises:
    ValueError: `output` exists and is not an empty folder, is the current
      folder, or cannot be made.
  """
  try:
    resolved = pathlib.Path(output).resolve()
    is_taken = resolved.exists() and (
      not resolved.is_dir() or any(resolved.iterdir())
    )
    existing = next(
      path for path in (resolved, *resolved.parents) if path.exists()
    )
  except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
    raise ValueError(
      f"--output={output} cannot be made ({error}); choose another folder."
    ) from error
  if is_taken:
    raise ValueError(
      f"--output={output} exists and is not empty; choose another folder or"
      " remove it."
    )
  if resolved == pathlib.Path.cwd():
    raise ValueError(
      f"--output={output} is the current folder, which would be replaced;"
      " choose another."
    )
  if not existing.is_dir():
    raise ValueError(
      f"--output={output} cannot be made: {existing} is a file; choose another"
      " folder."
    )
  return storage.Path(resolved)
