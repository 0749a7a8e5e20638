"""One run of the embedding: inputs through an export into an .npz file."""

from collections.abc import Sequence
import pathlib
from typing import NamedTuple

from absl import logging
import numpy as np
import tqdm

from tfvssl.embed import embedder as embedding
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage


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

  Args:
    embedder: of sight, sound or both.
    files: to embed.
    root: folder of the files, or the only file.
    output: the .npz file.

  Raises:
    exit_codes.UserError: no file could be embedded (3).
  """
  progress = tqdm.tqdm(files, unit=" files")
  table, skipped = embedding.embed_files(embedder, progress, root)
  unreadable = [item for item in skipped if item.reason != "not_media"]
  no_media = len(skipped) - len(unreadable)
  for item in unreadable:
    logging.warning("skipped %s: %s: %s", *item)
  if not table:
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
  embedding.save(
    output, {**table, **embedding.skipped_columns(skipped), **about}
  )
  return Counts(
    len(table["path"]),
    len(files) - no_media,
    len(unreadable),
    no_media,
    str(table["path"][0]),
  )


def embed_sentences(
  embedder: embedding.Embedder, sentences: list[str], output: storage.Path
) -> None:
  """Writes the table of sentences; warns if the model knows no word of one.

  Args:
    embedder: of text.
    sentences: to embed.
    output: the .npz file.
  """
  table = embedder.embed_sentences(sentences)
  embedding.save(
    output,
    {
      "text": np.array(sentences),
      **table,
      "model": np.array(embedder.identity),
    },
  )
  empty = np.flatnonzero(table["text_known_words"] == 0)
  if len(empty):
    logging.warning(
      "%d sentences hold no word that the model knows, so their embeddings"
      " mean nothing; the first is %r.",
      len(empty),
      sentences[empty[0]],
    )
