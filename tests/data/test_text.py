"""Captions to word ids; the golden ones are in tests/golden/mmv."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfvssl import views
from tfvssl.data import text

DMVR, MIL_NCE = views.Vocabulary.DMVR, views.Vocabulary.MIL_NCE
WORDS = "<pad> <bos> <eos> <unk> cut the tomato it s"
LINES = WORDS.replace(" ", "\n") + "\n"


def _file(folder, content, name="words.txt"):
  path = folder / name
  path.write_bytes(content.encode() if isinstance(content, str) else content)
  return str(path)


def _array(folder, words):
  np.save(folder / "dict.npy", np.array(words))
  return str(folder / "dict.npy")


def _spec(vocabulary, **fields):
  return views.TextViewSpec(
    **{"vocabulary": vocabulary, "max_words": 4, "num_captions": 3, **fields}
  )


def _ids(spec, *captions):
  found = text.Tokenizer(spec)(tf.constant(captions, tf.string))
  assert found.dtype == tf.int32
  return found.numpy().tolist()


def test_words_are_lines_of_the_file(tmp_path):
  spec = _spec(_file(tmp_path, LINES))
  assert _ids(spec, "Cut THE tomato!", "cut, a b the s s", "... \t\n") == [
    [4, 5, 6, 0],
    [4, 3, 3, 5],
    [0, 0, 0, 0],
  ]
  assert text.Tokenizer(spec).vocabulary_size == 9


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_file_may_give_the_ids(tmp_path, end):
  lines = ["7 <pad>", "2 <bos>", "3 <eos>", "0 <unk>", "90 cut", "1 the"]
  spec = _spec(_file(tmp_path, "\r\n".join(lines) + end))
  assert _ids(spec, "cut a the", "") == [[90, 0, 1, 7], [7, 7, 7, 7]]
  assert text.Tokenizer(spec).vocabulary_size == 91


def test_file_of_windows_begins_with_a_word(tmp_path):
  spec = _spec(_file(tmp_path, "\ufeff" + LINES))
  assert _ids(spec, "cut") == [[4, 0, 0, 0]]


def test_every_white_space_of_python_separates_and_nothing_else(tmp_path):
  spec = _spec(_file(tmp_path, LINES))
  for number in [*range(1, 0x200), 0x200B, 0x2028, 0x3000, 0xFEFF]:
    letter = chr(number)
    if letter.isascii() and not letter.isspace():
      continue  # punctuation and letters, below
    separates = _ids(spec, f"cut{letter}the") == [[4, 5, 0, 0]]
    assert separates == letter.isspace(), hex(number)


def test_ascii_punctuation_goes_and_only_ascii_is_lowered(tmp_path):
  spec = _spec(_file(tmp_path, LINES + "don\u00c9t\n\u00e9\n"))
  punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
  assert _ids(spec, f"c{punctuation}u{punctuation}T") == [[4, 0, 0, 0]]
  assert _ids(spec, "DON'\u00c9T \u00c9 \u00e9 <unk>") == [[9, 3, 10, 3]]


def test_bytes_that_are_no_utf8_are_an_unknown_word(tmp_path):
  spec = _spec(_file(tmp_path, LINES))
  assert _ids(spec, b"cut \xff\xfe the") == [[4, 3, 5, 0]]


def test_stop_words_go_before_the_cut_whether_known_or_not(tmp_path):
  stop = _file(tmp_path, "The\nit's\n\nstrange\n", "stop.txt")
  spec = _spec(_file(tmp_path, LINES + "its\n"), stop_words=stop, max_words=3)
  caption = "the it's THE strange cut its tomato other s"
  assert _ids(spec, caption, "its") == [[4, 6, 3], [0, 0, 0]]
  unstopped = dataclasses.replace(spec, stop_words="")
  assert _ids(unstopped, caption) == [[5, 9, 5]]


def test_mil_nce_counts_from_one_and_leaves_out_unknown_words(tmp_path):
  path = _array(tmp_path, ["cut", "don't", "3", "caf\u00e9", "a_b", "x"])
  spec = _spec(path, vocabulary_format=MIL_NCE)
  assert _ids(
    spec,
    "Cut, a b c d: DON'T-3 (x) cut",
    "CAF\u00c9...a_b\u2014unknown",
    "unknown",
    "",
  ) == [[1, 2, 3, 6], [4, 5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
  assert text.Tokenizer(spec).vocabulary_size == 7


def test_stop_words_of_mil_nce_keep_their_apostrophe(tmp_path):
  path = _array(tmp_path, ["cut", "don't", "dont"])
  stop = _file(tmp_path, "don't\n", "stop.txt")
  spec = _spec(path, vocabulary_format=MIL_NCE, stop_words=stop)
  assert _ids(spec, "don't cut dont") == [[1, 3, 0, 0]]


def test_ids_in_a_dataset_have_static_shapes(tmp_path):
  tokenizer = text.Tokenizer(_spec(_file(tmp_path, LINES)))
  dataset = tf.data.Dataset.from_tensors(tf.constant(["cut", "the s"]))
  dataset = dataset.map(tokenizer)
  assert dataset.element_spec == tf.TensorSpec([2, 4], tf.int32)
  (ids,) = dataset
  assert ids.numpy().tolist() == [[4, 0, 0, 0], [5, 8, 0, 0]]
  assert tokenizer(tf.zeros([0], tf.string)).shape == (0, 4)


def test_table_is_exported_where_it_is_tracked(tmp_path):
  tokenizer = text.Tokenizer(_spec(_file(tmp_path, LINES)))
  module = tf.Module()
  module.table = tokenizer.table
  module.ids = tf.function(
    tokenizer,
    input_signature=[tf.TensorSpec([None], tf.string)],
    autograph=False,
  )
  tf.saved_model.save(module, str(tmp_path / "exported"))
  del module, tokenizer
  loaded = tf.saved_model.load(str(tmp_path / "exported"))
  assert loaded.ids(tf.constant(["the other"])).numpy().tolist() == [
    [5, 3, 0, 0]
  ]


def test_model_that_keeps_a_tokenizer_has_no_table_in_its_checkpoint(tmp_path):
  model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
  model.tokenizer = text.Tokenizer(_spec(_file(tmp_path, LINES)))
  model.build([1, 1])
  path = tf.train.Checkpoint(model=model).save(str(tmp_path / "checkpoint"))
  names = [name for name, _ in tf.train.list_variables(path)]
  assert any("kernel" in name for name in names)
  assert not any("tokenizer" in name or "table" in name for name in names)


def test_captions_without_words_are_zeros(tmp_path):
  spec = _spec(_file(tmp_path, "1 <pad>\n2 <bos>\n3 <eos>\n0 <unk>\n"))
  tokenizer = text.Tokenizer(spec)
  none = text.caption_ids(
    tf.zeros([0], tf.string),
    tf.zeros([0, 2]),
    tf.constant(1.0),
    spec,
    tokenizer,
  )
  np.testing.assert_array_equal(none, np.zeros((3, 4)))


def test_ids_of_the_nearest_captions(tmp_path):
  spec = _spec(_file(tmp_path, LINES))
  tokenizer = text.Tokenizer(spec)

  @tf.function(autograph=False)
  def ids(captions, times_s, middle_s):
    return text.caption_ids(captions, times_s, middle_s, spec, tokenizer)

  captions = tf.constant(["cut", "the", "tomato", "it", "s"])
  times_s = tf.constant([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]], tf.float32)
  found = ids(captions, times_s, tf.constant(0.2))
  assert found[:, 0].numpy().tolist() == [4, 5, 6]
  assert found.shape == (3, 4)
  found = ids(captions[:2], times_s[:2], tf.constant(9.0))
  assert found[:, 0].numpy().tolist() == [4, 5, 5]


def _nearest_of_mil_nce(starts, ends, index, count):
  """The released loader, transcribed; returns the first caption's index."""
  first = last = index
  found = 1
  while found < count:
    if first == 0:
      return 0
    if last == len(starts) - 1:
      return first - (count - found)
    if ends[last] - starts[first - 1] < ends[last + 1] - starts[first]:
      first -= 1
    else:
      last += 1
    found += 1
  return first


def test_nearest_captions_are_those_of_the_released_loader():
  rng = np.random.default_rng(0)
  for _ in range(60):
    size = rng.integers(4, 9)
    starts = np.sort(rng.integers(0, 40, size)).astype(np.float32)
    ends = starts + rng.integers(1, 12, size).astype(np.float32)
    middle = np.float32(rng.integers(0, 50))
    index = int(np.argmin(np.abs((starts + ends) / 2 - middle)))
    first = _nearest_of_mil_nce(starts, ends, index, 4)
    found = text.nearest(tf.stack([starts, ends], -1), tf.constant(middle), 4)
    assert found.numpy().tolist() == list(range(first, first + 4))


@pytest.mark.parametrize(
  ("middle_s", "count", "expected"),
  [
    (0.0, 1, [0]),
    (11.0, 1, [1]),
    (11.0, 2, [1, 2]),  # up to 14 rather than from 0
    (19.9, 3, [1, 2, 3]),
    (99.0, 2, [2, 3]),
    (99.0, 6, [0, 1, 2, 3, 3, 3]),
  ],
)
def test_nearest_captions_by_hand(middle_s, count, expected):
  times_s = tf.constant([[0, 2], [10, 12], [12, 14], [20, 21]], tf.float32)
  found = text.nearest(times_s, tf.constant(middle_s), count)
  assert found.numpy().tolist() == expected


def test_missing_files(tmp_path):
  spec = _spec(str(tmp_path / "none.txt"))
  with pytest.raises(
    FileNotFoundError,
    match="none.txt does not exist; make one .*tfvssl vocabulary",
  ):
    text.Tokenizer(spec)
  spec = _spec(_file(tmp_path, LINES), stop_words=str(tmp_path / "stop"))
  with pytest.raises(
    FileNotFoundError, match="stop words .*stop does not exist; make it, one"
  ):
    text.Tokenizer(spec)


@pytest.mark.parametrize(
  ("content", "message"),
  [
    ("", "words.txt holds no word."),
    ("cut\nthe\n", "words.txt lacks <pad>, <bos>, <eos>, <unk>; each has a"),
    (LINES.replace("<eos>\n", ""), "words.txt lacks <eos>; each has a line"),
    (LINES + "cut\n", "words.txt, line 10: 'cut' is also on line 5."),
    (LINES + "Cut\n", "words.txt, line 10: 'Cut' is not in lower case."),
    (LINES + "\ncut", "words.txt, line 10: '' is not one word."),
    (LINES + "a b\n", "words.txt, line 10: 'a b' is not one word."),
    ("0 <pad>\ncut\n", "line 2: 'cut' is not `id word`, as line 1 is."),
    ("0 <pad>\n0 cut\n", "words.txt, line 2: 0 is also on line 1."),
    ("0 <pad>\n1 <pad>\n", "line 2: '<pad>' is also on line 1."),
    ("0 <pad>\n-1 cut\n", "line 2: id '-1' must be a number from 0 to 10000"),
    ("0 <pad>\n10000001 cut\n", "id '10000001' must be a number from 0 to"),
    ("0 <pad>\n\u0663 cut\n", "id '\u0663' must be a number"),
    (LINES.encode() + b"\xe9\n", "line 10: byte 0xe9 is not UTF-8."),
    (LINES + "x" * 10_000 + " y\n", "is not one word."),
  ],
)
def test_vocabulary_that_cannot_be_used(tmp_path, content, message):
  with pytest.raises(ValueError) as caught:
    text.Tokenizer(_spec(_file(tmp_path, content)))
  assert message in str(caught.value)
  assert "\n" not in str(caught.value)
  assert len(str(caught.value)) < 400


def test_stop_words_that_are_no_utf8(tmp_path):
  stop = _file(tmp_path, b"the\ncaf\xe9\n", "stop.txt")
  with pytest.raises(ValueError, match="stop.txt, line 2: byte 0xe9 is not"):
    text.Tokenizer(_spec(_file(tmp_path, LINES), stop_words=stop))


def test_vocabulary_that_is_too_long(tmp_path, monkeypatch):
  monkeypatch.setattr(text, "MOST_WORDS", 9)
  spec = _spec(_file(tmp_path, LINES))
  assert text.Tokenizer(spec).vocabulary_size == 9
  spec = _spec(_file(tmp_path, LINES + "more\n"))
  with pytest.raises(ValueError, match="line 10: there are more than 9 lines"):
    text.Tokenizer(spec)
  spec = _spec(_array(tmp_path, [*"abcdefghij"]), vocabulary_format=MIL_NCE)
  with pytest.raises(ValueError, match=r"\(it holds <U1 \[10\]\); the"):
    text.Tokenizer(spec)


@pytest.mark.parametrize(
  ("array", "message"),
  [
    (np.array(["a", "b"], object), "write it anew with numpy.save"),
    (np.array([1, 2]), "is no .npy of unicode words [N] (it holds int64 [2]);"),
    (np.array([["a"]]), "(it holds <U1 [1, 1]);"),
    (np.array([b"a"]), "(it holds |S1 [1]);"),
    (np.array([], "U1"), "(it holds <U1 [0]);"),
    (np.array(["a", "\ud800"]), "surrogates not allowed);"),
    (
      np.array([0x61, 0x110000], "<u4").view("<U1"),
      "is no .npy of unicode words",
    ),
    (np.array(["a", "", "b"]), "dict.npy: word 1 is empty."),
    (np.array(["a", "b", "a"]), "dict.npy: 'a' is word 0 and 2."),
  ],
)
def test_array_that_cannot_be_used(tmp_path, array, message):
  np.save(tmp_path / "dict.npy", array)
  spec = _spec(str(tmp_path / "dict.npy"), vocabulary_format=MIL_NCE)
  with pytest.raises(ValueError) as caught:
    text.Tokenizer(spec)
  assert message in str(caught.value)
  assert "\n" not in str(caught.value)


def test_what_is_said_of_a_pickled_array_helps(tmp_path):
  np.save(tmp_path / "old.npy", np.array(["cut", "the"], object))
  words = np.load(tmp_path / "old.npy", allow_pickle=True)
  np.save(tmp_path / "new.npy", words.astype("U"))
  spec = _spec(str(tmp_path / "new.npy"), vocabulary_format=MIL_NCE)
  assert _ids(spec, "the cut") == [[2, 1, 0, 0]]


def test_damaged_arrays_are_one_line(tmp_path):
  path = tmp_path / "dict.npy"
  np.save(path, np.array(["cut", "the", "tomato"]))
  content = path.read_bytes()
  np.savez(tmp_path / "zip.npz", words=np.array(["cut"]))
  rng = np.random.default_rng(0)
  damaged = [b"", content[:50], content[:-1], b"PK\x03\x04 no zip"]
  damaged.append((tmp_path / "zip.npz").read_bytes())
  for _ in range(300):
    changed = bytearray(content)
    changed[rng.integers(128)] = rng.integers(256)
    damaged.append(bytes(changed))
  refused = 0
  for content in damaged:
    path.write_bytes(content)
    try:
      text.read_vocabulary(path, MIL_NCE)
    except ValueError as error:
      refused += 1
      assert str(path) in str(error) and "\n" not in str(error)
  assert refused > 100
