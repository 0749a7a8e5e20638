"""BraVe V-V: both views span 10 s at 112 px, on Kinetics-600.

Paper: Table 2, row "K600, RGB+RC, 10s, 10s".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vv1_narrow_10s_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 58.0, UCF101 79.6, K600 47.0.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 2",
    row="K600, RGB+RC, 10s, 10s",
    values=paper_rows.linear(hmdb51=58.0, ucf101=79.6, k600=47.0),
    test_frames=64,
  ),
)


def get_config() -> config.Experiment:
  """Returns the run."""
  experiment = common.video_only(
    common.rgb_broad(),
    # Paper appendix B: 64 frames at 6.25 a second, 112 px.
    narrow=views.RgbViewSpec(num_frames=64, frame_step=4, image_size=112),
  )
  # Paper appendix B says it of the SVM.
  for protocol in (
    experiment.svm,
    experiment.linear,
    experiment.finetune,
    experiment.mlp,
  ):
    protocol.test_short_side = 128
  return experiment
