"""Tiny BraVe with a broad view of optical flow (V-F), on two CPU cores.

Shrinks: the V-F row of Table 6 (TSM-50, Kinetics-600, three broad views).
  Differs from the paper as configs/tiny_brave.py does, and has one broad view.
Command (records with --modalities=rgb,flow --flow_short_side=32):
  python -m tfvssl.train --config=configs/tiny_brave_flow.py --workdir=RUN \\
      --config.data.train_records=TRAIN --config.data.heldout_records=TEST
Expected: see the demo's figures in docs/learning/README.md.
Cost: about four minutes on 2 CPU cores, without the flow's computation.
Reproduced here: it has no published number.
"""

from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment
from tfvssl.methods import brave

from . import tiny_brave


def get_config() -> experiment.Experiment:
  """Returns the run."""
  method = tiny_brave.method()
  method.broad = {"flow": flow()}
  return tiny_brave.experiment(method)


def flow() -> brave.Broad:
  """Returns the broad view and its network."""
  return brave.Broad(
    view=views.FlowViewSpec(
      num_frames=16,
      frame_step=2,
      image_size=28,
      resize_short_side=32,
      scale_px=1.5,
    ),
    backbone=tsm_resnet.TSMResNetConfig(
      blocks=(1, 1, 1), width=0.25, shift_fraction=0.25
    ),
  )
