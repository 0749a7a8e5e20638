"""The binary that searches: a clip among clips, a sentence, and mistakes."""

import re

import numpy as np
import pytest

from tests import exported_runs
from tests import forked_binaries
from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.evaluate import grey_records
from tfvssl.data.media import mp4
from tfvssl.data.media import streams
from tfvssl.embed import embedder as embedding
from tfvssl.export import writer
from tfvssl.search import ranking
from tfvssl.search import run as search_run

EVIL = "<script>alert(1)</script>.mp4".replace("/", "\u2215")


def _search(*flags):
  return forked_binaries.run("tfvssl.search", *flags)


def _write_clip(path, *colours):
  """Writes two seconds of each colour, channel 0, 1 or 2."""
  frames = np.zeros([50 * len(colours), 32, 48, 3], np.uint8)
  for part, channel in enumerate(colours):
    frames[50 * part : 50 * part + 50, ..., channel] = 255
  mp4.encode(frames, 25, path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp("media")
  (root / "deep").mkdir()
  _write_clip(root / "red.mp4", 0)
  _write_clip(root / "green.mp4", 1, 0)
  _write_clip(root / "deep" / EVIL, 0, 0, 2)
  return root


def _write_index(model, folder, path):
  embedder = embedding.Embedder(model, hop_s=0.5)
  files = streams.list_files(folder)
  table, skipped = embedding.embed_files(embedder, files, folder)
  assert not skipped
  about = {
    "model": np.array(embedder.identity),
    "root": np.array(embedding.relative_folder(folder, path)),
  }
  embedding.save(path, {**table, **about})
  return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  """An export whose embeddings are mean colours."""
  output = tmp_path_factory.mktemp("export") / "model"
  experiment = tiny_runs.experiment()
  experiment.svm.test_short_side = 16
  video = grey_records.mean_colour_encoder(grey_records.plain_spec())
  writer.export({"video": video}, output, experiment=experiment, step=0)
  return output


@pytest.fixture(scope="module")
def index(model, folder, tmp_path_factory):
  return _write_index(
    model, folder, tmp_path_factory.mktemp("index") / "embeddings.npz"
  )


def test_clip_finds_its_colour_and_when_it_is_seen(model, index, tmp_path):
  query = tmp_path / "blue.mp4"
  _write_clip(query, 2)
  output = tmp_path / "results.html"
  process = _search(
    f"--model={model}",
    f"--index={index}",
    f"--query={query}",
    f"--output={output}",
    "--top=2",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  lines = process.stdout.splitlines()
  assert lines[0].split() == ["rank", "score", "time", "label", "file"]
  assert re.fullmatch(
    r" +1 +(1\.000|0\.99\d) +0:04\.0  deep   deep/" + re.escape(EVIL), lines[1]
  )
  assert re.fullmatch(
    r"noise level [01]\.\d{3}: 95 % of the pairs of different files of the"
    r" index are less alike \(3 pairs\)",
    lines[3],
  )
  assert lines[4] == (
    f"2 of 3 files by cosine in `embedding`; open {output} in a browser"
  )
  page = output.read_text(encoding="utf-8")
  assert "Search by clip" in page
  assert page.count("<script>") == 1
  assert page.count("<video") == 3  # the query and two hits
  assert page.count('<img alt="" src="data:image/jpeg;base64,') == 3
  assert '<span class="label">deep</span>' in page
  assert lines[3].removeprefix("n") in page
  assert "at 0:04.0" in page
  assert "media" in re.search(r'href="([^"]*#t=4\.00)"', page)[1]


def test_own_file_is_marked_and_has_no_rank(model, index, folder, tmp_path):
  output = tmp_path / "results.html"
  process = _search(
    f"--model={model}",
    f"--index={index}",
    f"--query={folder / 'red.mp4'}",
    f"--output={output}",
    "--by=video",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  _, own, *hits = [line.split() for line in process.stdout.splitlines()[:4]]
  assert (own[0], own[-1]) == ("self", "red.mp4")
  assert [(hit[0], hit[-1]) for hit in hits] == [
    ("1", f"deep/{EVIL}"),  # it is red, too, before it is blue
    ("2", "green.mp4"),
  ]
  assert "2 of 2 files by cosine" in process.stdout
  assert "<b>the query</b>" in output.read_text(encoding="utf-8")


def test_clip_without_what_it_is_asked_by_is_one_line(
  model, index, folder, tmp_path
):
  process = _search(
    f"--model={model}",
    f"--index={index}",
    f"--query={folder / 'red.mp4'}",
    f"--output={tmp_path / 'results.html'}",
    "--by=audio",
  )
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: --by=audio, but ")
  assert last.endswith(
    "red.mp4 has no sound that the model takes; leave out --by."
  )
  assert process.returncode == 3
  assert not list(tmp_path.iterdir())


def test_noise_of_a_sample_and_of_one_file_is_said():
  assert search_run.noise_text(ranking.Noise(0.8, 500, 12_000)) == (
    "noise level 0.800: 95 % of the pairs of different files of the index are"
    " less alike (124,750 pairs of 500 of its 12,000 files, a sample)"
  )
  assert search_run.noise_text(None) == (
    "no noise level: the index has fewer than two files to compare"
  )


def test_lines_are_printable():
  hit = ranking.Hit("a\x1b[2J.mp4", 0.0, 0.5, False, "re\x1bd")
  result = ranking.Result([hit], "va", 1, 0, [hit], None, [])
  head, own, first, _ = search_run.lines(result)
  assert head == "rank  score       time  label    file"
  assert own == "self  0.500     0:00.0  re\\x1bd  a\\x1b[2J.mp4"
  assert first == "   1  0.500     0:00.0  re\\x1bd  a\\x1b[2J.mp4"


def test_model_without_text_refuses_a_sentence(model, index, tmp_path):
  process = _search(
    f"--model={model}",
    f"--index={index}",
    "--query=a red disc",
    f"--output={tmp_path / 'results.html'}",
  )
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: 'a red disc' is not a file, and ")
  assert process.returncode == 2
  assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_sentence_finds_videos_in_vat(index, folder, tmp_path):
  experiment = exported_runs.mmv_experiment(tiny_mmv_runs.vocabulary(tmp_path))
  model = exported_runs.export(
    experiment,
    exported_runs.method(experiment).encoders(),
    tmp_path / "model",
  )
  own = _write_index(model, folder, tmp_path / "embeddings.npz")
  output = tmp_path / "results.html"
  process = _search(
    f"--model={model}",
    f"--index={own}",
    "--query=a red disc",
    f"--output={output}",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  assert "The model does not know these words: a." in process.stderr
  assert "3 of 3 files by cosine in `vat`" in process.stdout
  page = output.read_text(encoding="utf-8")
  assert "&ldquo;a red disc&rdquo;" in page
  assert "The model does not know these words: a." in page
  assert "in the space vat" in page
  # Scores are the cosines of the two signatures' answers.
  text = embedding.Embedder(model, modalities=("text",))
  (sentence,) = text.embed_sentences(["a red disc"])["text_vat"]
  with np.load(own) as columns:
    rows = columns["video_vat"]
    cosines = rows @ sentence
    cosines /= np.linalg.norm(rows, axis=1) * np.linalg.norm(sentence)
    best = cosines.argmax()
    first = process.stdout.splitlines()[1].split(maxsplit=4)
    assert first[4] == columns["path"][best]
    assert first[3] == "deep"  # its label
    assert float(first[1]) == pytest.approx(cosines[best], abs=1e-3)
  # The other index is of another model.
  process = _search(
    f"--model={model}",
    f"--index={index}",
    "--query=a red disc",
    f"--output={output}",
  )
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: the index was made with export ")
  assert process.returncode == 3


_ALL = ["--model=a", "--index=b", "--query=c"]


@pytest.mark.parametrize(
  ("flags", "code", "message"),
  [
    (["x"], 2, "'x' is not a flag"),
    (_ALL, 2, "--model, --index, --query and --output are needed"),
    ([*_ALL, "--query= ", "--output=d.html"], 2, "--output are needed; for"),
    ([*_ALL, "--output=d"], 2, "--output=d must end in .html"),
    ([*_ALL, "--output=d.html"], 3, "--index=b is not a file; make it with"),
    ([*_ALL, "--output=d.html", "--index=setup.py"], 3, "cannot be read as"),
  ],
)
def test_mistakes_end_in_one_line(flags, code, message):
  process = _search(*flags)
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert process.returncode == code


def test_unreadable_query_is_named(model, index, tmp_path):
  query = tmp_path / "broken.mp4"
  query.write_bytes(b"no video at all" * 20)
  process = _search(
    f"--model={model}",
    f"--index={index}",
    f"--query={query}",
    f"--output={tmp_path / 'results.html'}",
  )
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith(f"error: {query} cannot be embedded: unreadab")
  assert process.returncode == 3
