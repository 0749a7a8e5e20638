"""The words of the captions of record folders, and how often each stands."""

import collections
from collections.abc import Iterator

from tfvssl import views
from tfvssl.data.records import manifest
from tfvssl.runtime import storage

_AT_ONCE = 10_000  # captions


def count_words(folders: Iterator[storage.Path]) -> collections.Counter[str]:
  """Returns how often each word stands in the captions of record folders.

  A caption that lasts over several clips counts in each of them.

  Raises:
    FileNotFoundError: a folder or its manifest does not exist.
    ValueError: a manifest or record is damaged; it is named.
  """
  import tensorflow as tf

  from tfvssl.data import text

  counts: collections.Counter[str] = collections.Counter()
  captions = (caption for folder in folders for caption in _captions(folder))
  for batch in _batches(captions):
    found = text.words(tf.constant(batch), views.Vocabulary.DMVR)
    counts.update(
      word.decode("utf-8", "replace") for word in found.flat_values.numpy()
    )
  return counts


def _captions(folder):
  from tfvssl.data.records import contexts

  for shard in manifest.load_manifest(folder).shards:
    for _, context in contexts.of_shard(folder / shard.file):
      yield from context["clip/caption"]


def _batches(captions):
  batch = []
  for caption in captions:
    batch.append(caption)
    if len(batch) == _AT_ONCE:
      yield batch
      batch = []
  if batch:
    yield batch


def choose(counts: collections.Counter[str], most: int) -> list[str]:
  """Returns the special words and the most frequent others.

  Args:
    counts: of the words of captions.
    most: length of the result.
  """
  from tfvssl.data import text

  ranked = sorted(counts, key=lambda word: (-counts[word], word))
  special = list(text.SPECIAL_WORDS)
  return special + ranked[: most - len(special)]
