"""An export in Python: loaded once, it embeds and searches many times.

model = tfvssl.load("EXPORT")
vectors = model.embed(["a.mp4", "b.wav", "a sentence"])
found = model.search("index.npz", "a.mp4")
"""

from collections.abc import Sequence
import os

import numpy as np

from tfvssl.data.media import streams
from tfvssl.embed import embedder as embedding
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.search import asking
from tfvssl.search import index as searching
from tfvssl.search import noise
from tfvssl.search import ranking

MODALITIES = ("video", "audio", "text")


def load(folder: storage.PathLike, *, trusted: bool = False) -> "Model":
  """Returns an export that embeds and searches.

  Args:
    folder: of tfvssl.export.
    trusted: whether to load a graph that may do more than compute.

  Raises:
    FileNotFoundError: there is no export.
    ValueError: it is damaged or may do more than compute.
  """
  embedder = embedding.Embedder(
    str(folder), modalities=MODALITIES, trusted=trusted
  )
  return Model(embedder, str(folder))


class Model:
  """A loaded export; what it was given last stays open."""

  def __init__(self, embedder: embedding.Embedder, folder: str):
    """Takes an export that was loaded.

    Args:
      embedder: of the export.
      folder: of the export, for messages.
    """
    self._embedder = embedder
    self._folder = folder
    self._opened: searching.Index | None = None
    self._stamp: tuple | None = None
    self._noise: dict[tuple, ranking.Noise | None] = {}

  def embed(
    self, inputs: Sequence[str | os.PathLike]
  ) -> list[dict[str, np.ndarray]]:
    """Returns the columns of tfvssl.embed for every input, in order.

    Of a file a row for each window: start_s, has_video, video_embedding
    [n, D], ...; see embedder.Embedder.embed_file. Of a sentence one row:
    text_embedding [1, D], ...; see embed_sentences.

    Args:
      inputs: files; a string that names none is a sentence.

    Raises:
      FileNotFoundError: a path is not a file.
      media.MediaError: a file cannot be read.
      ValueError: a sentence that the model cannot read, or of which it knows
        no word.
    """
    return [self._embed(item) for item in inputs]

  def search(
    self,
    index: searching.Index | storage.PathLike,
    query: str | os.PathLike,
    *,
    top: int = 20,
    by: str | None = None,
  ) -> ranking.Result:
    """Returns the files of an index that are nearest to a query.

    Args:
      index: the .npz of tfvssl.embed, which is read again when it has changed.
      query: a file; a string that names none is a sentence.
      top: how many files.
      by: video, audio or both, for a file; see ranking.Query.

    Raises:
      FileNotFoundError: there is no index, or the query is a path to no file.
      ValueError: the index is none or of another export, `top` or `by` is no
        such value, or the query is a sentence that the model cannot read.
      exit_codes.UserError: the query's file cannot be embedded, or index and
        query have nothing to compare.
    """
    if top < 1:
      raise ValueError(f"`top` ({top}) must be at least 1.")
    opened = self._open(index)
    return self.rank(opened, self.query(query, by), top)

  def query(
    self, query: str | os.PathLike, by: str | None = None
  ) -> ranking.Query:
    """Returns an embedded query; arguments and errors as of `search`."""
    reads = self._embedder.text is not None
    asking.check(query, by, reads, self._folder)
    if asking.is_file(query):
      return self._file_query(os.fspath(query), by)
    return self._sentence_query(str(query))

  def rank(
    self, index: searching.Index, query: ranking.Query, top: int
  ) -> ranking.Result:
    """Returns the nearest files and the noise level, measured once an index."""
    index = self._open(index)
    result = ranking.rank(index, query, top)
    compared = ranking.comparisons(index, query)
    key = tuple((c.space, c.modalities, len(c.vector)) for c in compared)
    if key not in self._noise:
      self._noise[key] = noise.measure(index, compared)
    return result._replace(noise=self._noise[key])

  def _open(self, index):
    if isinstance(index, searching.Index):
      opened, stamp = index, None
    else:
      path = storage.Path(index)
      stamp = _stamp(path)
      if stamp is not None and stamp == self._stamp:
        return self._opened
      opened = searching.load_index(path)
    searching.check_identity(opened, self._embedder.identity, self._folder)
    if opened is not self._opened:
      self._opened, self._stamp, self._noise = opened, stamp, {}
    return opened

  def _embed(self, item):
    if asking.is_file(item):
      return self._embedder.embed_file(item)
    asking.check(item, None, self._embedder.text is not None, self._folder)
    return self._embed_sentences(str(item), [])

  def _embed_sentences(self, sentence, words):
    table = self._embedder.embed_sentences([sentence, *words])
    if not table["text_known_words"][0]:
      raise ValueError(
        f"{sentence!r} is not a file, and as a sentence it has no word"
        " that the model knows; try other words."
      )
    return table

  def _sentence_query(self, sentence):
    words = [word for word in sentence.split() if any(map(str.isalnum, word))]
    table = self._embed_sentences(sentence, words)
    in_sentence, *of_words = table["text_known_words"].tolist()
    unknown = [w for w, known in zip(words, of_words, strict=True) if not known]
    remarks = []
    if unknown:
      names = ", ".join(dict.fromkeys(unknown))
      remarks.append(f"The model does not know these words: {names}.")
    if sum(of_words) > in_sentence:
      most = self._embedder.text["max_words"]
      remarks.append(f"The model reads {most} words of a sentence.")
    return ranking.Query({"text": self._vectors("text", table, 0)}, remarks)

  def _file_query(self, path, by):
    try:
      table = self._embedder.embed_file(path)
      asked = asking.modalities(path, table, by)
      remarks = self._remarks(path, table, asked)
    except streams.MediaError as error:
      raise exit_codes.UserError(
        exit_codes.DATA, f"{path} cannot be embedded: {error}"
      ) from error
    vectors = {
      modality: self._vectors(modality, table, table[f"has_{modality}"])
      for modality in asked
    }
    return ranking.Query(vectors, remarks, by, path)

  def _remarks(self, path, table, asked):
    found = []
    count = max(table[f"has_{modality}"].sum() for modality in asked)
    if count > 1:
      found.append(f"The query is the mean of its {count} windows.")
    if "audio" in asked:
      rate = self._embedder.audio["sample_rate_hz"]
      if asking.is_silent(path, rate):
        found.append(
          "The query's sound is digital silence, every sample is 0: what is"
          " found by it means nothing."
        )
    return found

  def _vectors(self, modality, table, rows):
    """Returns `embedding` and the other spaces with the mean of some rows."""
    spaces = self._embedder.spaces(modality)
    return {
      name: np.atleast_2d(table[f"{modality}_{name}"][rows]).mean(axis=0)
      for name in spaces
    }


def _stamp(path):
  """Returns what changes when a file is written anew; None without a file."""
  if not path.is_file():
    return None
  state = os.stat(path)
  return os.path.realpath(path), state.st_mtime_ns, state.st_size, state.st_ino
