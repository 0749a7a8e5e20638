"""Word ids of sentences against those of the reference tokeniser."""

import json

import tensorflow as tf

from tfvssl import views
from tfvssl.data import text


def test_word_ids(mmv_dir, tmp_path):
  golden = json.loads((mmv_dir / "tokens.json").read_text("utf-8"))
  path = tmp_path / "words.txt"
  path.write_text("".join(f"{word}\n" for word in golden["vocab"]), "utf-8")
  tokenizer = text.Tokenizer(
    views.TextViewSpec(vocabulary=str(path), max_words=golden["max_num_tokens"])
  )
  ids = tokenizer(tf.constant(golden["sentences"]))
  assert ids.numpy().tolist() == golden["ids"]
  assert len(golden["ids"]) == len(golden["sentences"]) > 0
  assert tokenizer.vocabulary_size == len(golden["vocab"])
