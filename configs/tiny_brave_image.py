"""Tiny BraVe image model: one frame against sound, on two CPU cores.

Shrinks: the audio model of appendix D (one frame, 5 s of sound). Differs from
  the paper as configs/tiny_brave.py does.
Command:
  python -m tfvssl.train --config=configs/tiny_brave_image.py --workdir=RUN \\
      --config.data.train_records=TRAIN --config.data.heldout_records=TEST
Expected: a finite loss that falls.
Cost: about two minutes on 2 CPU cores, by the time of its step.
Reproduced here: it has no published number.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment

from . import tiny_brave


def get_config() -> experiment.Experiment:
  """Returns the run."""
  method = tiny_brave.method()
  method.narrow.num_frames = 1
  method.narrow_backbone = tsm_resnet.TSMResNetConfig(
    blocks=(1, 1, 1),
    width=0.25,
    shift_fraction=0.0,  # within one frame it would only set channels to zero
  )
  return tiny_brave.experiment(method)
