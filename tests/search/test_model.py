"""A loaded export embeds and searches: sentences, clips, sounds, mistakes."""

import pathlib

import numpy as np
import pytest

from tests import exported_runs
from tests import tiny_mmv_runs
import tfvssl
from tfvssl.data.media import mp4
from tfvssl.data.media import streams
from tfvssl.embed import embedder as embedding
from tfvssl.embed import run as embed_run
from tfvssl.runtime import exit_codes
from tfvssl.search import index as searching
from tfvssl.search import model as search_model

_SILENCE = (
  "The query's sound is digital silence, every sample is 0: what is found by it"
  " means nothing."
)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
  """An export of the smallest MMV."""
  root = tmp_path_factory.mktemp("mmv")
  experiment = exported_runs.mmv_experiment(tiny_mmv_runs.vocabulary(root))
  experiment.data.use_silent_sound = True
  method = exported_runs.method(experiment)
  return exported_runs.export(experiment, method.encoders(), root / "model")


@pytest.fixture(scope="module")
def model(export):
  return tfvssl.load(export)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """Four clips of 27 frames in two folders: two with noise, one silent."""
  root = tmp_path_factory.mktemp("media")
  generator = np.random.default_rng(0)
  for name in ("dots/a.mp4", "dots/b.mp4", "plain/silent.mp4", "plain/c.mp4"):
    path = root / name
    path.parent.mkdir(exist_ok=True)
    frames = generator.integers(0, 256, [27, 32, 48, 3], np.uint8)
    sound = generator.integers(-9000, 9000, 51_840).astype(np.int16)
    if name.startswith("plain"):
      frames[:], sound = frames[:1, :1, :1], sound * (name == "plain/c.mp4")
    mp4.encode(frames, 25, path, sound=sound)
  return root


@pytest.fixture(scope="module")
def index(model, export, folder, tmp_path_factory):
  path = tmp_path_factory.mktemp("index") / "index.npz"
  embedder = embedding.Embedder(export)
  embed_run.embed_media(embedder, streams.list_files(folder), folder, path)
  return path


def test_files_and_sentences_are_embedded_as_by_the_command(
  model, index, folder
):
  clip, sentence = model.embed([folder / "dots" / "b.mp4", "red disc"])
  with np.load(index) as table:
    rows = table["path"] == "dots/b.mp4"
    np.testing.assert_allclose(clip["video_va"], table["video_va"][rows])
    np.testing.assert_array_equal(clip["start_s"], table["start_s"][rows])
    assert table["label"].tolist() == ["dots"] * 6 + ["plain"] * 6
  assert sentence["text_known_words"].tolist() == [2]
  assert sentence["text_vat"].shape == (1, clip["video_vat"].shape[1])


def test_clip_finds_its_folder_and_itself_apart(model, index, folder):
  found = model.search(index, str(folder / "dots" / "a.mp4"), top=2)
  assert [(hit.path, hit.label) for hit in found.own] == [
    ("dots/a.mp4", "dots")
  ]
  assert len(found.hits) == 2
  assert (found.num_files, found.num_left_out) == (3, 0)
  assert found.remarks == ["The query is the mean of its 3 windows."]
  # The noise by hand: every file asks for every other one.
  with np.load(index) as table:
    rows = table["video_embedding"].reshape(4, 3, -1).astype(float)
  unit = rows / np.linalg.norm(rows, axis=2, keepdims=True)
  means = rows.mean(axis=1)
  means /= np.linalg.norm(means, axis=1, keepdims=True)
  best = np.einsum("ad,brd->abr", means, unit).max(axis=2)
  pairs = best[~np.eye(4, dtype=bool)]
  assert found.noise == (pytest.approx(np.percentile(pairs, 95)), 4, 4)
  assert found.own[0].score == pytest.approx(best[0, 0])


def test_silent_query_is_said_when_its_sound_is_asked(model, index, folder):
  path = folder / "plain" / "silent.mp4"
  for by, said in (("audio", True), ("both", True), ("video", False)):
    found = model.search(index, path, by=by)
    assert (_SILENCE in found.remarks) == said, by
    assert [hit.path for hit in found.own] == ["plain/silent.mp4"]
  loud = model.search(index, folder / "plain" / "c.mp4", by="audio")
  assert _SILENCE not in loud.remarks


def test_both_is_the_mean_of_pictures_and_sound(model, index, folder):
  path = folder / "dots" / "a.mp4"
  found = {
    by: model.search(index, path, by=by) for by in ("video", "audio", "both")
  }
  spaces = {by: result.space for by, result in found.items()}
  assert spaces["both"] == "embedding and va"
  assert (spaces["video"], spaces["audio"]) == ("embedding", "va")
  query = model.query(path, "both")
  table = searching.load_index(index).columns
  scores = []
  for modality, space in (("video", "embedding"), ("audio", "va")):
    rows = table[f"{modality}_{space}"]
    vector = query.vectors[modality][space]
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
    scores.append(rows @ vector / lengths)
  best = np.mean(scores, axis=0).reshape(4, 3).max(axis=1)
  expected = sorted(best[1:], reverse=True)
  assert [h.score for h in found["both"].hits] == pytest.approx(expected)
  assert not found["both"].hits[0].is_sound
  assert found["audio"].hits[0].is_sound
  levels = {by: result.noise.level for by, result in found.items()}
  assert len(set(levels.values())) == 3


def test_index_is_read_again_only_when_it_has_changed(
  model, index, tmp_path, monkeypatch
):
  table = searching.load_index(index).columns
  path = tmp_path / "index.npz"
  embedding.save(path, table)
  reads = []
  load = searching.load_index
  monkeypatch.setattr(
    searching, "load_index", lambda file: reads.append(file) or load(file)
  )
  first = model.search(path, "red disc")
  assert model.search(path, "red disc") == first
  assert len(reads) == 1
  fewer = table["path"] != first.hits[0].path
  rows = {
    name: values[fewer] if values.shape[:1] == fewer.shape else values
    for name, values in table.items()
  }
  embedding.save(path, rows)
  second = model.search(path, "red disc")
  assert [hit.path for hit in second.hits] == [
    hit.path for hit in first.hits[1:]
  ]
  assert second.noise.num_files == 3
  assert model.search(load(path), "red disc") == second  # opened by hand
  assert len(reads) == 2


def test_sentence_is_embedded_with_its_unknown_words(model, export):
  known = model.query("Red disc!")
  assert (known.kind, known.remarks) == ("text", [])
  assert set(known.vectors["text"]) == {"embedding", "vat"}
  embedder = embedding.Embedder(export, modalities=("text",))
  expected = embedder.embed_sentences(["red disc"])["text_vat"][0]
  np.testing.assert_allclose(known.vectors["text"]["vat"], expected, atol=1e-5)
  assert model.query("a red  disc - a car").remarks == [
    "The model does not know these words: a, car."
  ]
  assert model.query("red red red red disc").remarks == [
    "The model reads 4 words of a sentence."
  ]
  for ask in (model.query, lambda sentence: model.embed([sentence])):
    with pytest.raises(
      ValueError, match="'car' is not a file, .* no word that the"
    ):
      ask("car")
    with pytest.raises(ValueError, match="'x+' is not a file, and as a sent"):
      ask("x" * 5000)  # no file can be called so


def test_file_is_embedded_as_the_mean_of_its_windows(model, folder, tmp_path):
  path = folder / "dots" / "a.mp4"
  query = model.query(path)
  (table,) = model.embed([path])
  assert (query.kind, query.by, query.file) == ("video", None, str(path))
  # Windows of 0.32 s in 1.08 s.
  assert query.remarks == ["The query is the mean of its 3 windows."]
  assert set(query.vectors["video"]) == {"embedding", "va", "vat"}
  np.testing.assert_allclose(
    query.vectors["video"]["va"], table["video_va"].mean(axis=0), atol=1e-6
  )
  broken = tmp_path / "broken.mp4"
  broken.write_bytes(b"no video at all" * 20)
  with pytest.raises(exit_codes.UserError, match="broken.mp4 cannot be embedd"):
    model.query(broken)


def test_mistakes_are_one_line(model, index, tmp_path):
  with pytest.raises(ValueError, match="`top` .0. must be at least 1"):
    model.search(index, "red disc", top=0)
  with pytest.raises(FileNotFoundError, match="none.npz is not a file"):
    model.search(tmp_path / "none.npz", "red disc")
  with pytest.raises(FileNotFoundError, match="no.mp4 is not a file; give a"):
    model.embed([pathlib.Path("no.mp4")])
  with pytest.raises(FileNotFoundError, match="make an export with tfvssl.exp"):
    tfvssl.load(tmp_path)
  other = searching.load_index(index)._replace(model="abc")
  path = tmp_path / "other.npz"
  embedding.save(path, {**other.columns, "model": np.array("abc")})
  for _ in range(2):  # also when it is asked for again
    for wrong in (other, path):
      with pytest.raises(ValueError, match="was made with export abc, but"):
        model.search(wrong, "red disc")


def test_load_is_reached_from_the_package():
  assert tfvssl.load is search_model.load
  with pytest.raises(AttributeError, match="no attribute 'lode'"):
    _ = tfvssl.lode
