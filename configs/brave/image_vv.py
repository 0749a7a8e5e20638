"""BraVe image model: one frame against 10 s of RGB, on Kinetics-600.

Paper: Appendix D, model "1 frame, 10s RGB+RC".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/image_vv.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear ImageNet 55.9.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Left open by the paper: data set, backbone and length of training. They are
  those of the other runs without sound here, but a backbone that has no
  temporal shift.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Appendix D",
    row="1 frame, 10s RGB+RC",
    values={"imagenet_linear": 55.9},
    test_frames=1,
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.rgb_broad(),
    narrow=common.narrow(num_frames=1),
    # A shift within one frame would only set channels to zero.
    narrow_backbone=tsm_resnet.TSMResNetConfig(shift_fraction=0.0),
  )
