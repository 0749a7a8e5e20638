"""Words of captions by how often they stand there."""

import collections
import pathlib

import pytest
import tensorflow as tf

from data_prep.make_vocabulary import counting
from tests import forked_binaries
from tests.data import record_fixture
from tfvssl import views
from tfvssl.data import text
from tfvssl.data.records import manifest as manifest_lib


def _records(folder, *captions):
  """Writes a clip for every list of captions."""
  clips = [
    record_fixture.make_clip(
      seed,
      num_frames=1,
      modalities=("audio",),
      captions=[(caption, 0.0, 0.04) for caption in texts],
    )
    for seed, texts in enumerate(captions)
  ]
  return record_fixture.write_records(folder, clips, num_shards=2)


@pytest.fixture(name="folders")
def _folders(tmp_path):
  return [
    _records(
      tmp_path / "one", ["A red disc.", "the RED disc"], [], ["don't; red"]
    ),
    _records(tmp_path / "two", ["a blue disc, caf\u00e9"]),
  ]


_COUNTS = {
  "red": 3,
  "disc": 3,
  "a": 2,
  "the": 1,
  "dont": 1,
  "blue": 1,
  "caf\u00e9": 1,
}


def _run(*arguments):
  return forked_binaries.run("data_prep.make_vocabulary", *arguments)


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_words_are_those_of_the_tokeniser(folders, monkeypatch, at_once):
  monkeypatch.setattr(counting, "_AT_ONCE", at_once)
  assert counting.count_words(folders) == _COUNTS


def test_ranked_by_count_then_alphabet():
  counts = collections.Counter(_COUNTS)
  expected = [*text.SPECIAL_WORDS, "disc", "red", "a", "blue", "caf\u00e9"]
  assert counting.choose(counts, 9) == expected
  assert counting.choose(counts, 100) == [*expected, "dont", "the"]


def test_binary_writes_what_a_text_view_reads(folders, tmp_path):
  output = tmp_path / "words.txt"
  done = _run(
    *(f"--records={folder}" for folder in folders),
    f"--output={output}",
    "--max_words=7",
  )
  assert done.returncode == 0, done.stderr
  first, last = done.stdout.splitlines()
  # disc, red and a: 8 of 12.
  assert first == (
    f"7 words in {output}, 66.7% of 12 running words; the captions hold 7 words"
  )
  assert last == (
    "next: python -m tfvssl.train --config=tiny_mmv --workdir=RUN"
    f" --config.data.train_records={folders[0]}"
    f" --config.data.second_train_records={folders[1]}"
    " --config.batch_size=2"
    f" --config.method.partners.text.view.vocabulary={output}"
    " --config.method.partners.text.backbone.vocabulary_size=7"
  )
  again = _run(f"--records={folders[1]}", f"--output={output}")
  assert again.returncode == 2
  assert f"--output={output} exists; runs may depend on its ids" in again.stderr
  assert output.read_text(encoding="utf-8") == (
    "<pad>\n<bos>\n<eos>\n<unk>\ndisc\nred\na\n"
  )
  spec = views.TextViewSpec(vocabulary=str(output), max_words=4)
  ids = text.Tokenizer(spec)(tf.constant(["A red, red blue disc"]))
  assert ids.numpy().tolist() == [[6, 5, 5, 3]]


@pytest.mark.parametrize(
  ("arguments", "code", "message"),
  [
    (("--output=x",), 2, "--records"),
    (("--records=none", "--output=x"), 3, "does not exist"),
    (("--records=none", "--output=x", "more"), 2, "'more' is not a flag"),
    (("--records=none", "--output=x", "--max_words=4"), 2, "max_words"),
  ],
)
def test_wrong_flags(arguments, code, message):
  done = _run(*arguments)
  assert done.returncode == code
  assert message in done.stderr
  assert "Traceback" not in done.stderr


def test_records_without_captions_or_damaged(tmp_path):
  folder = _records(tmp_path / "r", [], [])
  output = tmp_path / "words.txt"
  done = _run(f"--records={folder}", f"--output={output}")
  assert done.returncode == 3
  assert f"error: no caption in {folder}; prepare the videos" in done.stderr
  manifest = pathlib.Path(folder) / manifest_lib.MANIFEST_NAME
  manifest.write_text("{")
  done = _run(f"--records={folder}", f"--output={output}")
  assert done.returncode == 3
  assert "cannot be used" in done.stderr
  assert not output.exists()
