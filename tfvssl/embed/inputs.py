"""What is embedded: files of a folder, lines of a text. No TensorFlow."""

from collections.abc import Sequence
import pathlib

from tfvssl.data.media import streams
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage


def list_files(root: storage.Path) -> Sequence[pathlib.Path]:
  """Returns `root` if it is a file, else the files below it.

  They are those that the preparation of a folder takes.

  Raises:
    FileNotFoundError: `root` does not exist or holds no media.
  """
  if not root.exists():
    raise FileNotFoundError(f"--input={root} does not exist.")
  if root.is_file():
    return [root]
  files = streams.list_files(root)
  if not any(map(streams.is_named_as_media, files)) and not any(
    map(streams.is_media, files)
  ):
    raise FileNotFoundError(f"--input={root} holds no video or audio file.")
  return files


def read_sentences(path: storage.Path) -> list[str]:
  """Returns the lines of a text file that are not empty, stripped.

  Raises:
    FileNotFoundError: `path` is not a file.
    exit_codes.UserError: it is not UTF-8 or holds no sentence (3).
  """
  if not path.is_file():
    raise FileNotFoundError(f"--sentences={path} is not a file.")
  try:
    lines = path.read_text(encoding="utf-8-sig").split("\n")
  except UnicodeDecodeError as error:
    raise exit_codes.UserError(
      exit_codes.DATA, f"--sentences={path} is not UTF-8: {error}"
    ) from error
  sentences = [line.strip() for line in lines if line.strip()]
  if not sentences:
    raise exit_codes.UserError(
      exit_codes.DATA, f"--sentences={path} holds no sentence."
    )
  return sentences
