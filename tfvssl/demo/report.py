"""Collects the report of a demo from what its stages left in the workdir."""

import dataclasses
import json
import pathlib
import shlex

import numpy as np

from tfvssl.data.records import reader
from tfvssl.demo import plan
from tfvssl.demo import stages as demo_stages
from tfvssl.demo import verdict
from tfvssl.evaluate import baselines
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.pages import gallery
from tfvssl.pages import report
from tfvssl.runtime import storage
from tfvssl.train import health_log
from tfvssl.train import run_folder
from tfvssl.train import view_images
from tfvssl.train import weights

BASELINES_NAME = "baselines.json"
INVARIANCE = (
  "Designed invariance: these clips are made so that only the motion and"
  " its sound tell a class; colours, textures, sizes, places and camera pan"
  " change at every cut, whatever the class. That BraVe finds the classes"
  " here says that the whole way works, not how it does on real video."
)
CURVES_NOTE = (
  "Lower is better, but only against the dashed lines: they show what always"
  " predicting the mean embedding would cost. A loss that falls with its"
  " dashed line has drifted to the mean and learned nothing."
)
_SHOWN_CLIPS = 3
_MORE_STEPS = 2000  # the demo's are 350
_KINDS = {
  "colour histogram": "64 colours, all frames",
  "mean image": "12 x 12 pixels",
  "frame difference": "mean absolute, 12 x 12; sees motion without learning",
}


@dataclasses.dataclass
class Demo:
  """What the report is made of.

  Attributes:
    workdir: folder of the demo.
    videos: folder that was embedded.
    generated: whether the clips are ours.
    labelled: whether accuracy was measured.
    journal: what ran.
    remarks: choices that were made automatically.
    train_clips: that the training can use; None where it did not come to that.
  """

  workdir: pathlib.Path
  videos: pathlib.Path
  generated: bool
  labelled: bool
  journal: demo_stages.Journal
  remarks: list[str]
  train_clips: int | None = None


def write(demo: Demo) -> pathlib.Path:
  """Writes WORKDIR/report.html and returns its path."""
  content = report.Content(title=_title(demo), lead=_lead(demo))
  content.remarks = [*demo.remarks, *_skipped(demo)]
  content.stages = [
    report.Stage(name, outcome.command, outcome.seconds)
    for name, outcome in demo.journal.outcomes.items()
  ]
  content.curves = report.read_curves(demo.workdir / "run" / "metrics.jsonl")
  content.curves_note = CURVES_NOTE
  content.missing["curves"] = "the run has logged no step."
  facts = verdict.Facts(collapsed=_collapsed(demo), longer=_longer(demo))
  _add_accuracy(content, demo, facts)
  _add_losses(facts, demo, content.curves)
  content.verdict = verdict.words(facts)
  _add_views(content, demo)
  _add_galleries(content, demo)
  searched = demo.journal.outcomes.get("search")
  if searched is not None and not searched.error:
    content.search_page = plan.SEARCH_NAME
  path = demo.workdir / "report.html"
  report.write(content, path)
  return path


def _title(demo):
  if demo.generated:
    return "BraVe learns motion from sound"
  return "BraVe on your videos"


def _lead(demo):
  if demo.generated:
    return (
      "A tiny network watched clips without labels and learned to predict"
      " the sound of what it sees. " + INVARIANCE
    )
  return (
    f"A tiny network was pretrained without labels on {demo.videos.name}."
    " So small a network and so short a training show that the whole way"
    " works; they are not a measure of the method."
  )


def _collapsed(demo):
  """Returns what is to say of embeddings that have collapsed, if they have."""
  run = demo.workdir / "run"
  if not (run / "metrics.jsonl").exists():
    return ""
  experiment = run_folder.read_config(run)
  clips = experiment.batch_size // experiment.accumulation
  return health_log.of_log(run / "metrics.jsonl", clips)


def _skipped(demo):
  """Returns what preparation and later stages left out, and why."""
  lines = []
  path = demo.workdir / "records" / "report.json"
  if path.exists():
    tree = json.loads(path.read_text(encoding="utf-8"))
    if tree["quarantined_count"]:
      reasons = ", ".join(f"{n} {why}" for why, n in tree["reasons"].items())
      lines.append(
        f"{tree['quarantined_count']} of {tree['input_count']} inputs were"
        f" quarantined: {reasons}. records/quarantine.csv names them."
      )
  for name, outcome in demo.journal.outcomes.items():
    if outcome.error:
      lines.append(f"The stage '{name}' did not succeed: {outcome.error}")
  return lines


def _add_accuracy(content, demo, facts):
  reason = "the clips have no labels; see the nearest neighbours instead."
  result = _result(demo)
  if demo.labelled and result is None:
    reason = "the evaluation did not succeed; see the remarks."
  if not demo.labelled or result is None:
    content.missing.update(accuracy=reason, confusion=reason)
    return
  split = result["splits"][0]
  pretrained = result["pretrained"]["mean"]["top_1"]
  random = result["random_initialisation"]["mean"]["top_1"]
  content.accuracy = [
    report.Row("chance", split["chance"], "chance"),
    *_baseline_rows(demo),
    report.Row(
      "random network",
      random,
      "random",
      "same network, initial weights, calibrated",
    ),
    report.Row("pretrained", pretrained, "trained", "no labels were used"),
  ]
  content.accuracy_note = _accuracy_note(result)
  facts.pretrained, facts.random = pretrained, random
  facts.test_clips = split["test_clips"]
  facts.difference = next(
    (r.share for r in content.accuracy if r.name == "frame difference"), None
  )
  first = result["pretrained"]["splits"][0]
  content.classes = first["labels"]
  content.confusion = np.array(first["confusion"])
  content.stats = [
    report.Stat(f"{100 * pretrained:.1f} %", "accuracy, pretrained"),
    report.Stat(f"{100 * random:.1f} %", "same network, random weights"),
    report.Stat(f"{100 * split['chance']:.1f} %", "chance"),
    report.Stat(_total_time(demo), "from videos to this page"),
  ]


def _add_losses(facts, demo, curves):
  """Notes how far the losses are below what the mean embedding would cost."""

  def gain(name, kind):
    loss, mean = curves.get(name), curves.get(f"predicting the mean ({kind})")
    if not loss or not mean or not mean[-1][1] > 0:
      return None
    return 1 - loss[-1][1] / mean[-1][1]

  facts.gain = gain("training", "training")
  facts.held_out_gain = gain("held-out", "held-out")
  facts.train_clips = demo.train_clips


def _longer(demo):
  """Returns the command of the training with more steps, in another folder."""
  outcome = demo.journal.outcomes.get("train")
  if outcome is None:
    return ""
  run = demo.workdir / "run"
  words = [
    f"{word}_longer" if word == f"--workdir={run}" else word
    for word in shlex.split(outcome.command)
  ]
  return shlex.join([*words, f"--config.steps={_MORE_STEPS}"])


def _result(demo):
  """Returns the result of this demo; an older one is of another network."""
  outcome = demo.journal.outcomes.get("evaluate")
  if outcome is None or outcome.error:
    return None
  return newest_result(demo.workdir / "run")


def newest_result(run: pathlib.Path) -> dict | None:
  """Returns the newest result of tfvssl.evaluate, None if there is none."""
  found = sorted(
    (run / "results").glob("svm_video_*.json"),
    key=lambda path: path.stat().st_mtime,
  )
  return json.loads(found[-1].read_text(encoding="utf-8")) if found else None


def _baseline_rows(demo):
  path = demo.workdir / BASELINES_NAME
  if path.exists():
    shares = json.loads(path.read_text(encoding="utf-8"))
  else:
    records = demo.workdir / "records"
    measured = baselines.measure(
      records / "train",
      records / "test",
      choose_c=linear_svm.ChooseC.CROSS_VALIDATION,
    )
    shares = {name: found.top_1 for name, found in measured.items()}
    storage.write_text(path, json.dumps(shares) + "\n")
  return [
    report.Row(name, share, "raw", _KINDS[name])
    for name, share in shares.items()
  ]


def _accuracy_note(result):
  split = result["splits"][0]
  clips = split["test_clips"]
  margin = 100 * verdict.margin(clips)
  return (
    f"Linear SVM on frozen features of {split['train_clips']} clips, tested"
    f" on {clips} others; C by cross-validation inside the training clips."
    f" With so few test clips, differences below about {margin:.0f} points"
    " may be chance. The first rows are the same SVM on raw pixels: only"
    " what goes beyond the frame difference needs learning."
  )


def _total_time(demo):
  seconds = sum(outcome.seconds for outcome in demo.journal.outcomes.values())
  return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def _add_views(content, demo):
  try:
    experiment, method, _ = weights.load_method(demo.workdir / "run")
  except (FileNotFoundError, ValueError) as error:
    content.missing["views"] = str(error)
    return
  records = reader.open_for_views(
    experiment.data.train_records,
    list(method.view_specs.values()),
    use_silent_sound=experiment.data.use_silent_sound,
  )
  batch = view_images.sample(
    method, records, seed=experiment.seed, clips=_SHOWN_CLIPS
  )
  for name, view in batch.items():
    shown = [view_images.picture(view, i) for i in range(_SHOWN_CLIPS)]
    content.views.append(
      report.Picture(
        f"{name}: {_describe(method.view_specs[name])}", _png(shown)
      )
    )


def _describe(spec):
  if spec.piece == "audio":
    kind = spec.spectrogram.title
    return f"{kind} spectrogram of {spec.seconds:g} s, low tones at the bottom"
  text = (
    f"{spec.num_frames} frames at {spec.frame_rate_hz:g} per second,"
    f" {spec.image_size} pixels"
  )
  if spec.piece == "flow":
    return f"{text}; optical flow, colour is direction"
  used = spec.augmentation.random_convolution
  return text + (", with random convolution" if used else "")


def _png(shown):
  """Returns clips below each other as PNG."""
  import tensorflow as tf

  gap = np.full([3, shown[0].shape[1], 3], 255, np.uint8)
  rows = [part for picture in shown for part in (picture, gap)][:-1]
  return tf.io.encode_png(np.concatenate(rows)).numpy()


def _add_galleries(content, demo):
  embedded = gallery.load(
    demo.workdir / "embeddings.npz", labelled=demo.labelled
  )
  if embedded is None or len(embedded.paths) < 3:
    content.missing["galleries"] = "fewer than three files could be embedded."
    return
  content.galleries = gallery.galleries(
    embedded, demo.videos, queries=8, neighbours=5
  )
  found = gallery.retrieval_accuracy(embedded)
  note = (
    f"Nearest by cosine among {len(embedded.paths)} files, on backbone"
    " features. The query stands first; click a clip to hear it."
  )
  if found:
    note += (
      " Green has the query's label, red another: the nearest file has the"
      f" same label for {100 * found[0]:.0f} % of the files"
      f" ({100 * found[1]:.0f} % by chance)."
    )
  content.retrieval_note = note
