"""The small BraVe variants that benchmarks.learning compares.

All have the narrow view, the networks and the optimiser of
configs/tiny_brave.py; only the broad view differs, so one random network per
seed is the baseline of all. The broad RGB view is that of
configs/tiny_brave_rgb.py at the paper's 6.25 frames per second, so that it
lasts as long as the sound; the flow is that of configs/tiny_brave_flow.py.
"""

from collections.abc import Callable
import dataclasses
from typing import NamedTuple, cast

from configs import tiny_brave
from configs import tiny_brave_flow
from configs import tiny_brave_rgb
from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.demo import plan as demo_plan
from tfvssl.methods import brave
from tfvssl.runtime import storage

_BROAD_RGB_STEP = 4  # record frames: 6.25 frames per second, paper Sec. 4.1


class Variant(NamedTuple):
  """One pretraining.

  Attributes:
    title: of its row.
    modalities: that a clip must hold, as demo_plan.usable_clips takes them.
    method: builds its config.
  """

  title: str
  modalities: str
  method: Callable[[], brave.BraveConfig]


def _broad_of(run):
  return cast(brave.BraveConfig, run.method).broad


def _sound():
  return tiny_brave.method()


def _flow():
  method = tiny_brave.method()
  method.broad = _broad_of(tiny_brave_flow.get_config())
  return method


def _rgb(
  *,
  random_convolution: bool = True,
  sync: views.Sync = views.Sync.INDEPENDENT,
  num_views: int = 1,
):
  method = tiny_brave.method()
  broad = _broad_of(tiny_brave_rgb.get_config())["rgb"]
  broad.view.frame_step = _BROAD_RGB_STEP
  broad.view.sync = sync
  broad.view.augmentation.random_convolution = random_convolution
  broad.num_views = num_views
  method.broad = {"rgb": broad}
  return method


def _short():
  method = _rgb()
  view = method.broad["rgb"].view
  view.num_frames = method.narrow.num_frames
  view.frame_step = method.narrow.frame_step
  return method


VARIANTS = {
  "audio": Variant("V-A: sound, 2.56 s", "rgb,audio", _sound),
  "flow": Variant("V-F: flow, 1.28 s", "rgb,flow", _flow),
  "rgb_rc": Variant("V-V: RGB+RC, 2.56 s", "rgb", _rgb),
  "rgb": Variant(
    "RGB without RC, 2.56 s", "rgb", lambda: _rgb(random_convolution=False)
  ),
  "rgb_rc_synchronised": Variant(
    "RGB+RC, starts with the narrow view",
    "rgb",
    lambda: _rgb(sync=views.Sync.START),
  ),
  "rgb_rc_short": Variant("RGB+RC, 0.64 s as the narrow view", "rgb", _short),
  "rgb_rc_2_views": Variant("RGB+RC, K = 2", "rgb", lambda: _rgb(num_views=2)),
  "rgb_rc_3_views": Variant("RGB+RC, K = 3", "rgb", lambda: _rgb(num_views=3)),
}
# Compared with random initialisation on its own account, so with more seeds.
AGAINST_RANDOM = ("audio", "flow", "rgb_rc")


class Comparison(NamedTuple):
  """Two variants of which the paper puts the first above the second."""

  title: str
  better: str
  worse: str
  source: str


COMPARISONS = (
  Comparison(
    "(a) independent over synchronised broad view",
    "rgb_rc",
    "rgb_rc_synchronised",
    "paper Table 1",
  ),
  Comparison(
    "(b) long over short broad view", "rgb_rc", "rgb_rc_short", "paper Table 2"
  ),
  Comparison(
    "(c) RGB+RC over RGB",
    "rgb_rc",
    "rgb",
    "paper Table 3; on K600 the other way round",
  ),
  Comparison(
    "(c) flow over RGB+RC",
    "flow",
    "rgb_rc",
    "paper Table 3; on K600 the other way round",
  ),
  Comparison(
    "(c) sound over flow",
    "audio",
    "flow",
    "paper Table 6; there on different data sets",
  ),
  Comparison(
    "(d) K = 2 over K = 1", "rgb_rc_2_views", "rgb_rc", "paper Table 4"
  ),
  Comparison(
    "(d) K = 3 over K = 1", "rgb_rc_3_views", "rgb_rc", "paper Table 4"
  ),
)


def experiment(
  variant: str, *, train_records: str, steps: int, seed: int
) -> config.Experiment:
  """Returns the run of a variant, cheaper to evaluate than the demo's.

  Args:
    variant: one of VARIANTS.
    train_records: folder; its number of usable clips bounds the batch, so
      that no batch holds a clip twice.
    steps: of training.
    seed: of weights and draws.
  """
  chosen = VARIANTS[variant]
  run = tiny_brave.experiment(chosen.method())
  clips = demo_plan.usable_clips(storage.Path(train_records), chosen.modalities)
  return dataclasses.replace(
    run,
    data=dataclasses.replace(run.data, train_records=train_records),
    schedule=dataclasses.replace(run.schedule, warmup_steps=steps // 10),
    logging=dataclasses.replace(run.logging, heldout_every=0),
    svm=dataclasses.replace(run.svm, train_epochs=2, temporal_clips=4),
    batch_size=demo_plan.batch_size(clips),
    steps=steps,
    seed=seed,
  )
