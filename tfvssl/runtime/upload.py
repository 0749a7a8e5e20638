"""A finished folder goes to another place, and appears there whole."""

from tfvssl.runtime import storage


def folder(
  source: storage.PathLike, target: storage.PathLike, last: str
) -> None:
  """Copies the files of a finished folder; `last` is the last that appears.

  Readers ask for `last` first: without it the folder does not exist.

  Args:
    source: folder on a local disk.
    target: where its files appear, each whole or not at all.
    last: name of the file in `source` that publishes the folder.

  Raises:
    FileNotFoundError: `source` has no file `last`.
  """
  begin, place = storage.Path(source), storage.Path(target)
  if not (begin / last).is_file():
    raise FileNotFoundError(
      f"{begin} has no file {last}, which publishes the folder; write it"
      " before the upload."
    )
  files = [path for path in storage.below(begin) if path.is_file()]
  for path in sorted(files, key=lambda path: path == begin / last):
    target_file = place / path.relative_to(begin)
    target_file.parent.mkdir(parents=True, exist_ok=True)
    with storage.new_file(target_file) as unfinished:
      path.copy(unfinished)
