"""Embeddings by an MMV: its spaces, and sentences."""

import os
import re
import signal
import time

import numpy as np
import pytest
import tensorflow as tf

from tests import exported_runs
from tests import forked_binaries
from tests import tiny_mmv_runs
from tfvssl.data.media import mp4
from tfvssl.embed import embedder as embedding
from tfvssl.export import description as export_format


def _embed(*flags):
  return forked_binaries.run("tfvssl.embed", *flags)


@pytest.fixture(scope="module")
def mmv(tmp_path_factory):
  """An export of the smallest MMV."""
  root = tmp_path_factory.mktemp("mmv")
  experiment = exported_runs.mmv_experiment(tiny_mmv_runs.vocabulary(root))
  method = exported_runs.method(experiment)
  return exported_runs.export(experiment, method.encoders(), root / "model")


def test_every_space_has_a_column(mmv, tmp_path):
  generator = np.random.default_rng(0)
  frames = generator.integers(0, 256, [75, 32, 48, 3], np.uint8)
  sound = generator.integers(-9000, 9000, 3 * 48_000).astype(np.int16)
  mp4.encode(frames, 25, tmp_path / "both.mp4", sound=sound)
  mp4.encode(frames, 25, tmp_path / "silent.mp4")
  embedder = embedding.Embedder(mmv, hop_s=1.0)
  rows = embedder.embed_file(tmp_path / "both.mp4")
  for modality in ("video", "audio"):
    columns = {name for name in rows if name.startswith(f"{modality}_")}
    assert columns - {"audio_s"} == {
      f"{modality}_{name}" for name in ("backbone", "embedding", "va", "vat")
    }
    assert rows[f"{modality}_va"].shape == (len(rows["start_s"]), 12)
    np.testing.assert_array_equal(
      rows[f"{modality}_vat"], rows[f"{modality}_embedding"]
    )
    assert np.std(rows[f"{modality}_va"], axis=0).max() > 1e-3
  silent = embedder.embed_file(tmp_path / "silent.mp4")
  assert not silent["audio_va"].any()


def test_sentences_are_embedded_in_order_in_any_batch(mmv):
  sentences = ["red disc", "blue", "of no use", "", "hums hums hums"]
  embedder = embedding.Embedder(mmv, modalities=("text",), batch_size=2)
  assert (embedder.video, embedder.hop_s) == (None, None)
  table = embedder.embed_sentences(sentences)
  assert set(table) == {
    "text_backbone",
    "text_embedding",
    "text_vat",
    "text_known_words",
  }
  assert table["text_known_words"].tolist() == [2, 1, 0, 0, 3]
  model = tf.saved_model.load(str(mmv))
  for row, sentence in enumerate(sentences):
    alone = model.signatures["text"](sentences=tf.constant([sentence]))
    np.testing.assert_allclose(
      table["text_vat"][row], alone["vat"][0], rtol=1e-5, atol=1e-5
    )


def test_binary_embeds_sentences(mmv, tmp_path):
  path = tmp_path / "sentences.txt"
  path.write_bytes("\ufeffred disc\r\n\n  Déjà vu \nblue".encode())
  output = tmp_path / "text.npz"
  process = _embed(
    f"--model={mmv}", f"--sentences={path}", f"--output={output}"
  )
  assert process.returncode == 0, process.stderr[-3000:]
  assert "1 sentences hold no word that the model knows" in process.stderr
  assert "the first is 'Déjà vu'" in process.stderr
  assert "3 sentences in" in process.stdout
  with np.load(output, allow_pickle=False) as saved:
    assert saved["text"].tolist() == ["red disc", "Déjà vu", "blue"]
    assert saved["text_known_words"].tolist() == [2, 0, 1]
    assert saved["text_embedding"].shape == (3, 8)
    assert saved["model"] == export_format.identity(mmv)


@pytest.mark.parametrize(
  ("number", "code"),
  [
    (signal.SIGTERM, 42),
    pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.slow),
  ],
)
def test_sentences_that_are_stopped_go_on_to_the_same_bytes(
  number, code, mmv, tmp_path
):
  sentences = ["red disc" + k // 10 * " hums" for k in range(640)]
  path, output = tmp_path / "sentences.txt", tmp_path / "new" / "text.npz"
  path.write_text("\n".join(sentences))
  flags = [f"--model={mmv}", f"--sentences={path}", f"--output={output}"]
  flags.append("--batch_size=1")  # so 64 sentences are a block
  process = forked_binaries.start("tfvssl.embed", *flags)
  unfinished = output.parent / ".text.npz.unfinished"
  deadline = time.monotonic() + 120
  while not any(path.stat().st_size for path in unfinished.glob("*.jsonl")):
    assert time.monotonic() < deadline
    time.sleep(0.002)
  os.kill(process.pid, number)
  assert process.finish().returncode == code
  assert not output.exists()
  again = _embed(*flags)
  assert again.returncode == 0, again.stderr[-3000:]
  kept = re.search(r"(\d+) rows were embedded before; going on", again.stderr)
  assert int(kept[1]) in range(64, 640, 64)
  assert [path.name for path in output.parent.iterdir()] == [output.name]
  embedder = embedding.Embedder(mmv, modalities=("text",), batch_size=1)
  straight = tmp_path / "straight.npz"
  np.savez(
    straight,
    text=np.array(sentences),
    **embedder.embed_sentences(sentences),
    model=np.array(embedder.identity),
  )
  assert output.read_bytes() == straight.read_bytes()


def test_model_without_text_refuses_sentences(tmp_path):
  experiment = exported_runs.brave_experiment()
  encoders = exported_runs.method(experiment).encoders()
  model = exported_runs.export(
    experiment, {"audio": encoders["audio"]}, tmp_path / "model"
  )
  path = tmp_path / "sentences.txt"
  path.write_text("red disc")
  process = _embed(
    f"--model={model}", f"--sentences={path}", f"--output={tmp_path / 'c.npz'}"
  )
  last = process.stderr.strip().splitlines()[-1]
  assert "serves none of text; its signatures: audio." in last
  assert process.returncode == 3


@pytest.mark.parametrize(
  ("content", "message"),
  [
    (b" \n\n", "holds no sentence"),
    (b"ok\n\xff\n", "is not UTF-8: 'utf-8' codec"),
  ],
)
def test_unreadable_sentences_are_named(tmp_path, content, message):
  path = tmp_path / "sentences.txt"
  path.write_bytes(content)
  process = _embed("--model=a", f"--sentences={path}", "--output=c.npz")
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith(f"error: --sentences={path} ")
  assert message in last
  assert process.returncode == 3
