"""What --describe prints: its figures against ones that were made by hand."""

import dataclasses
import types

import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.conftest import ROOT
from tfvssl import views
from tfvssl.backbones import r3d
from tfvssl.config import experiment as config
from tfvssl.config import paper_rows
from tfvssl.config import pictures
from tfvssl.config import recipes
from tfvssl.methods import base
from tfvssl.methods import brave
from tfvssl.optim import lars
from tfvssl.train import describe

_CONFIG = '''"""A run for a test.

More of its head.
"""
from tests import tiny_runs
from tfvssl.config import paper_rows

PAPER = (
  paper_rows.Row(
    "Table 6",
    "V-A",
    {"ucf101_linear": 93.0, "esc50_linear": 12.5},
    parameters="23.5M",
    fine_tuned={"hmdb51": paper_rows.FineTuned(0.8, 0.03, 1e-7)},
  ),
)

def get_config():
  return tiny_runs.experiment()
'''


class _OneLayer(base.Method):
  """One convolution of one or more views."""

  def __init__(self, num_views):
    super().__init__()
    self._num_views = num_views
    self.filter = tf.keras.layers.Conv2D(
      5, 3, padding="same", use_bias=False, name="filter"
    )

  @property
  def view_specs(self):
    spec = views.RgbViewSpec(num_frames=2, image_size=8)
    return {f"view_{number}": spec for number in range(self._num_views)}

  def loss(self, batch, seed, training=True):
    del seed, training
    total = 0.0
    for view in batch.values():
      frames = tf.cast(tf.reshape(view.video, [-1, 8, 8, 3]), tf.float32)
      total += tf.reduce_sum(self.filter(frames))
    return base.Output(total, {}, tf.zeros([1, 1]))


@pytest.mark.parametrize("num_views", [1, 3])
def test_convolution_costs_two_operations_per_multiplication(num_views):
  (cost,) = describe.network_costs(_OneLayer(num_views))
  assert (cost.name, cost.kind) == ("filter", "Conv2D")
  assert cost.parameters == 3 * 3 * 3 * 5
  # Multiply-adds of a filter at every pixel, the padded ones included.
  multiplications = 2 * 8 * 8 * cost.parameters
  assert cost.operations == num_views * 2 * multiplications


def _resnet_parameters(channels_in, width, blocks):
  """Counts the weights of the pre-activation ResNet by its definition."""
  x = round(64 * width)
  total = 7 * 7 * channels_in * x
  for unit, count in enumerate(blocks):
    out = round(256 * 2**unit * width)
    inner = out // 4
    for block in range(count):
      norms = 2 * x + 2 * inner + 2 * inner
      convolutions = x * inner + 9 * inner * inner + inner * out
      shortcut = x * out if block == 0 else 0
      total += norms + convolutions + shortcut
      x = out
  return total + 2 * x


def test_parameters_are_those_counted_by_hand():
  recipe = recipes.load(ROOT / "configs" / "tiny_brave.py")
  costs = describe.network_costs(recipe.get_config().method.build())
  found = {cost.name: cost.parameters for cost in costs}
  dim = 256  # of the third unit at a quarter of the width
  assert found == {
    "narrow_backbone": _resnet_parameters(3, 0.25, (1, 1, 1)),
    "broad_audio_backbone": _resnet_parameters(1, 0.25, (1, 1, 1)),
    # Linear with bias, batch norm, linear with bias; g ends in batch norm.
    "projector": (dim * 256 + 256) + 2 * 256 + (256 * 64 + 64) + 2 * 64,
    "predictor": (64 * 256 + 256) + 2 * 256 + (256 * 64 + 64),
  }
  # The formula itself, at full size: the released TSM-50.
  assert _resnet_parameters(3, 1, (3, 4, 6, 3)) == 23_500_352


def test_views_of_one_network_are_counted_together():
  def operations(num_views):
    costs = describe.network_costs(tiny_runs.method_config(num_views).build())
    return {cost.name: cost.operations for cost in costs}

  one, two = operations(1), operations(2)
  assert two["narrow_backbone"] == one["narrow_backbone"] > 10**5
  assert two["broad_audio_backbone"] == 2 * one["broad_audio_backbone"]


@pytest.fixture(name="mmv_config")
def _mmv_config(tmp_path):
  """The tiny MMV: 4 frames of 16 px, a quarter second, two captions."""
  return tiny_mmv_runs.method_config(tiny_mmv_runs.vocabulary(tmp_path))


def test_views_of_mmv_are_sound_in_both_forms_and_words(mmv_config):
  lines = describe._view_lines(mmv_config.build())
  assert [" ".join(line.split()) for line in lines[1:]] == [
    "video [4, 16, 16, 3] RGB, 12.5 frames per second, 0.32 s",
    "audio [12000] sound, 48 kHz, 0.25 s; starts with the video view",
    # A frame every 960 samples, the last one begun.
    "[13, 40] of it: log-mel, every 20.00 ms, 0.25 s",
    "text [2, 4] word ids of the 2 nearest captions",
  ]


def test_networks_of_mmv_are_backbones_and_heads(mmv_config):
  costs = describe.network_costs(mmv_config.build())
  found = {cost.name: cost.parameters for cost in costs}
  video, sound = 32, 16  # 256 channels of one unit, by the width
  assert found == {
    "video_backbone": _resnet_parameters(3, 0.125, (1,)),
    "audio_backbone": _resnet_parameters(1, 0.0625, (1,)),
    "text_backbone": 6 * 10 + 10,  # the words themselves are frozen
    "video_va_head": (video * 12 + 12) + 2 * 12 + 12 * 12 + 2 * 12,
    "audio_head": sound * 12 + 12,
    "text_head": 10 * 8 + 8,
    "fine_to_coarse": (12 * 8 + 8) + 2 * 8,
  }
  operations = {cost.name: cost.operations for cost in costs}
  # Multiplications and additions of the matrices, and the biases.
  assert operations["audio_head"] == 2 * sound * 12 + 12
  assert operations["text_head"] == 2 * (2 * 10 * 8 + 8)  # two captions
  assert operations["video_backbone"] > 10**5


def test_text_of_mmv_has_the_sources_of_its_paper(mmv_config):
  run = tiny_runs.experiment()
  run.method = mmv_config
  recipe = types.ModuleType("recipe", "A run.")
  recipe.PAPER = (
    paper_rows.Row(
      "Table 4",
      "FAC",
      {"youcook2_recall_at_10": 37.2, "youcook2_median_rank": 20},
      parameters="9.1M",
      test_frames=16,
      first_split=True,
      paper=paper_rows.Paper(sources={"": "there", "svm": "MMV A.2"}),
    ),
  )
  lines = describe.text(run, recipe, []).splitlines()
  video = next(line for line in lines if "video_backbone (" in line)
  assert video.split()[3] == "9.1M"
  assert '  Table 4, "FAC": YouCook2 R@10 37.2, YouCook2 MedR 20' in lines
  assert "  evaluated with views of 16 frames: --num_frames=16" in lines
  assert "  on the first official split alone" in lines
  assert "  svm: Svm; source: MMV A.2" in lines
  # The class says its own source of the field, and so would tell BraVe's.
  assert "  experiment: Experiment; source: there" in lines
  steps = next(line for line in lines if line[4:].startswith("steps "))
  assert steps.split() == ["*", "steps", "12", "default", "300000"]
  # Of a section that is not named, its class tells it.
  assert any("retrieval: Retrieval; source: MMV paper" in x for x in lines)


def test_text_tells_views_schedule_numbers_and_sources():
  experiment = tiny_runs.experiment()
  recipe = types.ModuleType("recipe", "A run.\n\nMore.")
  recipe.PAPER = (
    paper_rows.Row(
      "Table 6",
      "V-A",
      {"ucf101_linear": 93.0, "audioset_mlp": 36.4},
      parameters="23.5M",
      fine_tuned={"hmdb51": paper_rows.FineTuned(0.8, 0.03, 1e-7)},
    ),
  )
  lines = describe.text(experiment, recipe, ["steps=12"]).splitlines()
  assert lines[0] == "A run."
  assert "changed by flags: steps=12" in lines
  words = [line.split() for line in lines]
  # 4 frames, 2 record frames of 1/25 s apart, 16 px.
  assert "narrow [4, 16, 16, 3] RGB, 12.5 frames per second, 0.32 s" in [
    " ".join(line) for line in words
  ]
  assert (
    "broad_audio [25, 40] log-mel, every 20.00 ms, 0.5 s; starts with the"
    " narrow view"
  ) in [" ".join(line) for line in words]
  narrow = next(line for line in words if line[:1] == ["narrow_backbone"])
  assert narrow[2:4] == [f"{_resnet_parameters(3, 0.125, (1,)):,}", "23.5M"]
  assert "  12 steps of 4 clips (48 in all), LarsConfig" in lines
  assert ('  Table 6, "V-A": UCF101 linear 93.0, AudioSet MLP 36.4') in lines
  place = next(i for i, line in enumerate(lines) if "Table 7" in line)
  assert " ".join(" ".join(lines[place : place + 2]).split()) == (
    "fine-tuning on hmdb51, Table 7: --set=finetune.dropouts=0.8"
    " --set=finetune.learning_rates=0.03 --set=finetune.weight_decays=1e-07"
  )
  assert "  evaluated with views of 32 frames: --num_frames=32" in lines
  assert ["*", "num_frames", "4", "default", "16"] in words
  assert ["frame_step", "2"] in words
  assert not any("shuffle_buffer" in line for line in lines)
  assert "  svm: Svm; source: paper appendix B" in lines


def test_remark_stands_below_a_long_value():
  line = f"  * {'vocabulary':27} {'a/long/path/' * 6}"
  assert describe._remarked(line, "default") == [line, " " * 65 + "default"]
  assert describe._remarked(line, "") == [line]
  assert describe._remarked("  steps", "one") == ["  steps one"]


def test_run_without_published_numbers_says_so():
  lines = describe._expected_lines(())
  assert lines == ["expected numbers: the paper has no such run"]


def test_source_is_found_in_docstrings_of_every_form():
  assert describe.source_of(config.Schedule) == (
    "paper Sec. 4.1: 4.8 without audio, 1.0 with; 5000 steps of warm-up"
  )
  assert describe.source_of(lars.LarsConfig) == (
    "paper Sec. 4.1; released trainer.py"
  )
  # After "Attributes:", whose own sources are not those of the class.
  assert describe.source_of(pictures.Crop).startswith("released datasets")
  assert describe.source_of(config.Experiment) == ""
  assert describe.source_of(int) == ""


def test_binary_needs_neither_folder_nor_records(tmp_path):
  path = tmp_path / "recipe.py"
  path.write_text(_CONFIG)
  done = forked_binaries.run(
    "tfvssl.train", "--describe", f"--config={path}", "--config.steps=70"
  )
  assert done.returncode == 0, done.stderr[-2000:]
  lines = done.stdout.splitlines()
  assert lines[0] == "A run for a test."
  assert "changed by flags: steps=70" in lines
  assert "  70 steps of 4 clips (280 in all), LarsConfig" in lines
  assert ('  Table 6, "V-A": UCF101 linear 93.0, ESC-50 linear 12.5') in lines


def test_another_count_than_the_papers_is_explained():
  cost = describe.NetworkCost("narrow_backbone", "R3D", 31_634_496, 0)
  method = brave.BraveConfig({}, narrow_backbone=r3d.R3DConfig())
  measured = method.build().encoders()["video"]
  row = paper_rows.Row("Table 6", "x", {}, parameters="31.8M")
  lines = describe._count_lines([cost], [row], measured)
  assert "R3D-50 has 31,634,496 trainable parameters." in " ".join(lines)
  assert not any("Attributes" in line for line in lines)
  equal = dataclasses.replace(row, parameters="31.6M")
  assert not describe._count_lines([cost], [equal], measured)
