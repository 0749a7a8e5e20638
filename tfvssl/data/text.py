"""Captions as word ids: vocabularies, the tokeniser, the nearest captions."""

from collections.abc import Iterator
import hashlib
import pathlib
import re

import numpy as np
import tensorflow as tf

from tfvssl import views

PAD, UNKNOWN = "<pad>", "<unk>"
SPECIAL_WORDS = (PAD, "<bos>", "<eos>", UNKNOWN)
MOST_WORDS = 10_000_000  # of a vocabulary; also the largest id

# What Python takes for white space; tf.strings.split knows ASCII only.
_WHITE_SPACE = r"[\s\p{Z}\x0b\x1c-\x1f\x{85}]+"
_LEFT_OUT = -1  # in the table: not an id
# What the files are called, and what to do where one is not there.
_VOCABULARY = (
  "vocabulary",
  "make one of your captions with tfvssl vocabulary.",
)
_STOP_WORDS = (
  "list of stop words",
  "make it, one word a line, or leave `stop_words` empty.",
)


class Tokenizer:
  """Makes word ids of captions, in graph and with string operations only.

  Nothing that TensorFlow tracks, so that a model that keeps it does not write
  the vocabulary into checkpoints. Who exports it must track `table`:

    module.table = tokenizer.table

  Attributes:
    table: static hash table from word to id.
  """

  def __init__(self, spec: views.TextViewSpec):
    """Reads the vocabulary and the stop words.

    Args:
      spec: of a text view.

    Raises:
      FileNotFoundError: a file does not exist.
      ValueError: a file is not a list of words, which one line says with its
        name and the place, or not that of `words_sha256`.
    """
    self._format = spec.vocabulary_format
    self._max_words = spec.max_words
    ids = read_vocabulary(spec.vocabulary, self._format)
    self._size = max(ids.values()) + 1
    is_dmvr = self._format == views.Vocabulary.DMVR
    self._pad = ids[PAD] if is_dmvr else 0
    unknown = ids[UNKNOWN] if is_dmvr else _LEFT_OUT
    self._no_words = (self._pad, unknown)
    if spec.stop_words:
      stop_words = read_stop_words(spec.stop_words, self._format)
      ids |= dict.fromkeys(stop_words, _LEFT_OUT)
    if spec.words_sha256 not in ("", words_sha256(spec)):
      raise ValueError(
        f"vocabulary {spec.vocabulary} or its stop words are not those that the"
        f" run began with (SHA-256 {words_sha256(spec):.12}, not"
        f" {spec.words_sha256:.12}), so words would have other ids; put the"
        " files back or begin another run."
      )
    self.table = tf.lookup.StaticHashTable(
      tf.lookup.KeyValueTensorInitializer(
        tf.constant(list(ids), tf.string),
        tf.constant(list(ids.values()), tf.int64),
      ),
      unknown,
    )

  @property
  def vocabulary_size(self) -> int:
    """Every id is below it."""
    return self._size

  def __call__(self, captions: tf.Tensor) -> tf.Tensor:
    """Returns word ids, padded and cut, int32 [K, max_words].

    Args:
      captions: string [K], UTF-8.
    """
    found = words(captions, self._format)
    ids = tf.ragged.map_flat_values(self.table.lookup, found)
    ids = tf.ragged.boolean_mask(ids, ids != _LEFT_OUT)
    rows = ids.to_tensor(self._pad, shape=[None, self._max_words])
    return tf.ensure_shape(
      tf.cast(rows, tf.int32), [captions.shape[0], self._max_words]
    )

  def is_word(self, ids: tf.Tensor) -> tf.Tensor:
    """Returns which ids are words of the vocabulary, bool [...].

    Args:
      ids: int32 [...], as this makes them.
    """
    padding, unknown = self._no_words
    return (ids != padding) & (ids != unknown)


def words_sha256(spec: views.TextViewSpec) -> str:
  """Returns a hash of the vocabulary and the stop words.

  Raises:
    FileNotFoundError: a file does not exist.
  """
  digests = [
    hashlib.sha256(_existing(path, *about).read_bytes()).hexdigest()
    for path, about in (
      (spec.vocabulary, _VOCABULARY),
      (spec.stop_words, _STOP_WORDS),
    )
    if path
  ]
  return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _existing(path, name, remedy):
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"{name} {path} does not exist; {remedy}")
  return path


def words(
  captions: tf.Tensor, vocabulary_format: views.Vocabulary
) -> tf.RaggedTensor:
  """Returns the words of captions by the rules of a vocabulary.

  DMVR: without ASCII punctuation, ASCII in lower case, split at white space.
  MIL_NCE: in lower case, runs of letters, digits, _ and '.

  Args:
    captions: string [K], UTF-8.
    vocabulary_format: whose rules.

  Returns:
    string [K, None].

  Source: DMVR's tokenizers.py (WordTokenizer); the text pipeline of the
  released S3D of MIL-NCE.
  """
  if vocabulary_format == views.Vocabulary.MIL_NCE:
    captions = tf.strings.lower(captions, encoding="utf-8")
    apart = tf.strings.regex_replace(captions, r"[^\p{L}\p{N}_']+", " ")
  else:
    captions = tf.strings.lower(captions)
    captions = tf.strings.regex_replace(captions, "[[:punct:]]", "")
    apart = tf.strings.regex_replace(captions, _WHITE_SPACE, " ")
  return tf.strings.split(apart)


def read_vocabulary(
  path: str | pathlib.Path, vocabulary_format: views.Vocabulary
) -> dict[str, int]:
  """Returns the id of every word of a file; see views.Vocabulary.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: it is not a vocabulary; one line that names it and the place.
  """
  path = _existing(path, *_VOCABULARY)
  if vocabulary_format == views.Vocabulary.MIL_NCE:
    return _read_array(path)
  found = _read_lines(path)
  missing = [word for word in SPECIAL_WORDS if word not in found]
  if missing:
    raise ValueError(
      f"vocabulary {path} lacks {', '.join(missing)}; each has a line of its"
      " own."
    )
  return found


def read_stop_words(
  path: str | pathlib.Path, vocabulary_format: views.Vocabulary
) -> list[str]:
  """Returns the words of a text file, as `words` gives those of captions.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: it is not UTF-8 or too long.
  """
  path = _existing(path, *_STOP_WORDS)
  lines = tf.constant([text for _, text in _lines(path)], tf.string)
  found = words(lines, vocabulary_format).flat_values.numpy()
  return [word.decode("utf-8") for word in found]


def _read_lines(path):
  """Returns {word: id} of lines `word`, or else of lines `id word`."""
  found: dict[str, int] = {}
  line_of: dict[str | int, int] = {}  # both words and ids
  has_ids = None
  for line, text in _lines(path):
    parts = text.split()
    if has_ids is None:
      has_ids = len(parts) == 2
    if len(parts) != 1 + has_ids:
      form = "`id word`, as line 1 is" if has_ids else "one word"
      raise _error(path, line, f"{text.strip()!r:.80} is not {form}")
    index, word = (
      _index(path, line, parts[0]) if has_ids else line - 1,
      parts[-1],
    )
    if re.search("[A-Z]", word):
      raise _error(path, line, f"{word!r:.80} is not in lower case")
    for key in (word, index):
      if line_of.setdefault(key, line) != line:
        raise _error(path, line, f"{key!r:.80} is also on line {line_of[key]}")
    found[word] = index
  if not found:
    raise ValueError(f"vocabulary {path} holds no word.")
  return found


def _index(path, line, text):
  if not re.fullmatch("[0-9]{1,8}", text) or int(text) > MOST_WORDS:
    raise _error(
      path, line, f"id {text!r:.80} must be a number from 0 to {MOST_WORDS}"
    )
  return int(text)


def _lines(path) -> Iterator[tuple[int, str]]:
  """Yields (number, text) of the lines of a file, from 1."""
  with open(path, "rb") as file:
    for line, content in enumerate(file, 1):
      if line > MOST_WORDS:
        raise _error(path, line, f"there are more than {MOST_WORDS} lines")
      try:
        yield line, content.decode("utf-8-sig" if line == 1 else "utf-8")
      except UnicodeDecodeError as error:
        raise _error(
          path, line, f"byte {content[error.start]:#x} is not UTF-8"
        ) from error


def _error(path, line, problem):
  return ValueError(f"{path}, line {line}: {problem}.")


def _read_array(path):
  """Returns {word: position + 1} of an array of words, as dict.npy is one."""
  try:
    listed = _load_words(path)
  except Exception as error:  # of many kinds, where a header is damaged
    problem = " ".join(str(error).split())
    raise ValueError(
      f"vocabulary {path} is no .npy of unicode words [N] ({problem:.200});"
      " the published dict.npy is a pickled array: if you trust it, write it"
      " anew with numpy.save(NEW, numpy.load(OLD, allow_pickle=True)"
      '.astype("U")).'
    ) from error
  found: dict[str, int] = {}
  for position, word in enumerate(listed):
    if not word:
      raise ValueError(f"vocabulary {path}: word {position} is empty.")
    if word in found:
      raise ValueError(
        f"vocabulary {path}: {word!r:.80} is word {found[word] - 1} and"
        f" {position}."
      )
    found[word] = position + 1
  return found


def _load_words(path):
  """Returns the words of an array; raises whatever is wrong with it."""
  array = np.load(path, mmap_mode="r", allow_pickle=False)
  is_list = array.dtype.kind == "U" and array.ndim == 1
  if not is_list or not 0 < array.size <= MOST_WORDS:
    raise ValueError(f"it holds {array.dtype} {list(array.shape)}")
  listed = array.tolist()
  "".join(listed).encode("utf-8")  # fails for half a pair of code points
  return listed


def caption_ids(
  captions: tf.Tensor,
  times_s: tf.Tensor,
  middle_s: tf.Tensor,
  spec: views.TextViewSpec,
  tokenizer: Tokenizer,
) -> tf.Tensor:
  """Returns the ids of the captions nearest to a time, int32 [K, L].

  Args:
    captions: string [C]; where C is 0 all ids are 0.
    times_s: float32 [C, 2], start and end of each, by their start.
    middle_s: float32 scalar.
    spec: K is its `num_captions`, L its `max_words`.
    tokenizer: of `spec`.
  """
  shape = [spec.num_captions, spec.max_words]
  ids = tf.cond(
    tf.size(captions) > 0,
    lambda: tokenizer(
      tf.gather(captions, nearest(times_s, middle_s, spec.num_captions))
    ),
    lambda: tf.zeros(shape, tf.int32),
  )
  return tf.ensure_shape(ids, shape)


def nearest(times_s: tf.Tensor, middle_s: tf.Tensor, count: int) -> tf.Tensor:
  """Returns which captions are nearest to a time, int32 [count], ascending.

  From the caption whose middle is nearest to `middle_s` they grow by the
  neighbour that keeps the time from the first start to the last end shorter,
  by the later one where both do. Where there are fewer, the last is repeated.

  Args:
    times_s: float32 [C, 2], start and end of each, by their start; C > 0.
    middle_s: float32 scalar.
    count: how many.

  Source: the loader of the released MIL-NCE.
  """
  starts, ends = times_s[:, 0], times_s[:, 1]
  most = tf.shape(starts)[0] - 1
  distances = tf.abs((starts + ends) / 2 - middle_s)
  first = last = tf.argmin(distances, output_type=tf.int32)
  for _ in range(count - 1):
    before, after = tf.maximum(first - 1, 0), tf.minimum(last + 1, most)
    is_earlier = ends[last] - starts[before] < ends[after] - starts[first]
    grows_back = (first > 0) & (is_earlier | (last == most))
    grows_on = (last < most) & ~grows_back
    first -= tf.cast(grows_back, tf.int32)
    last += tf.cast(grows_on, tf.int32)
  return tf.minimum(first + tf.range(count), last)
