"""One run of the embedding: inputs through an export into an .npz file."""

from collections.abc import Sequence
import functools
import os
import pathlib
from typing import NamedTuple

from absl import logging
import numpy as np
import tqdm

from tfvssl.embed import embedder as embedding
from tfvssl.embed import kept_rows
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

# Of sentences, until their rows are on disk. Whole batches, so that those
# behind a stop are the same.
_BATCHES_AT_ONCE = 64


class Counts(NamedTuple):
  """What became of the files: rows of the table, and files that gave none.

  Files that are neither named as media nor media are counted apart. `first` is
  the path of the first row, from the folder that was embedded.
  """

  rows: int
  files: int
  skipped: int
  no_media: int
  first: str


def load(
  folder: str,
  modalities: tuple[str, ...],
  *,
  hop_s: float | None = None,
  batch_size: int = 8,
  trusted: bool,
) -> embedding.Embedder:
  """Returns an exported model; see embedder.Embedder for the arguments.

  Raises:
    FileNotFoundError: there is no export.
    exit_codes.UserError: it is damaged, may do more than compute or serves
      none of `modalities` (3).
  """
  try:
    return embedding.Embedder(
      folder,
      modalities=modalities,
      hop_s=hop_s,
      batch_size=batch_size,
      trusted=trusted,
    )
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def embed_media(
  embedder: embedding.Embedder,
  files: Sequence[pathlib.Path],
  root: storage.Path,
  output: storage.Path,
) -> Counts:
  """Writes the table of media files; warns of every file that is skipped.

  After a stop it goes on with the first file that had no rows.

  Args:
    embedder: of sight, sound or both.
    files: to embed.
    root: folder of the files, or the only file.
    output: the .npz file.

  Raises:
    exit_codes.UserError: no file could be embedded (3).
    ValueError: another process is writing `output`.
  """
  with kept_rows.opened(output, embedder.settings) as kept:
    # The folder of the kept rows may lie in that of the files.
    files = [file for file in files if file.parent.name != kept.folder.name]
    for file in tqdm.tqdm(files, unit=" files"):
      compute = functools.partial(embedding.embed_files, embedder, [file], root)
      kept.add(_key(file, root), compute)
    return _write(embedder, files, root, output, kept)


def _key(file, root):
  """Returns what tells a file and its content from any other."""
  name = file.relative_to(root) if file != root else file.name
  try:
    status = os.stat(file)
  except OSError:  # the embedder says what is wrong
    return [embedding.printable(name)]
  return [embedding.printable(name), status.st_size, status.st_mtime_ns]


def _write(embedder, files, root, output, kept):
  """Writes the rows that are kept, and says what has none."""
  skipped = kept.skipped
  unreadable = [item for item in skipped if item.reason != "not_media"]
  no_media = len(skipped) - len(unreadable)
  for item in unreadable:
    logging.warning("skipped %s: %s: %s", *item)
  if not files:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"{root} holds no file but those of the embedding itself.",
    )
  if not kept.rows:
    kept.remove()
    first = (unreadable or skipped)[0]
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"none of the {len(files)} files of {root} could be embedded; the first"
      f" was {first.path}: {first.reason}: {first.detail}",
    )
  about = {
    "model": np.array(embedder.identity),
    "root": np.array(embedding.relative_folder(root, output)),
  }
  rows, first = kept.rows, kept.first
  kept.write(output, {**embedding.skipped_columns(skipped), **about})
  return Counts(rows, len(files) - no_media, len(unreadable), no_media, first)


def embed_sentences(
  embedder: embedding.Embedder, sentences: list[str], output: storage.Path
) -> None:
  """Writes the table of sentences; warns if the model knows no word of one.

  After a stop it goes on with the first block of sentences that had no rows.

  Args:
    embedder: of text.
    sentences: to embed.
    output: the .npz file.

  Raises:
    ValueError: another process is writing `output`.
  """
  block = _BATCHES_AT_ONCE * embedder.batch_size
  with (
    kept_rows.opened(output, embedder.settings) as kept,
    tqdm.tqdm(total=len(sentences), unit=" sentences") as bar,
  ):
    for begin in range(0, len(sentences), block):
      texts = sentences[begin : begin + block]
      kept.add(texts, functools.partial(_rows_of, embedder, texts))
      bar.update(len(texts))
    kept.write(output, {"model": np.array(embedder.identity)})
  with np.load(output, allow_pickle=False) as table:
    empty = np.flatnonzero(table["text_known_words"] == 0)
  if len(empty):
    logging.warning(
      "%d sentences hold no word that the model knows, so their embeddings"
      " mean nothing; the first is %r.",
      len(empty),
      sentences[empty[0]],
    )


def _rows_of(embedder, sentences):
  """Returns the rows of sentences, and that none was skipped."""
  table = {"text": np.array(sentences)}
  return table | embedder.embed_sentences(sentences), []
