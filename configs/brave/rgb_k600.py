"""BraVe V-V: one broad RGB view without random convolution, on Kinetics-600.

Paper: Table 3, row "RGB"; Table 5, row "own backbones, shared projector, shared
  predictor"; Appendix E, model "broad backbone, RGB".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/rgb_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 63.2, UCF101 90.5, K600 69.3; the broad backbone HMDB51
  63.4, UCF101 90.3.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 3",
    row="RGB",
    values=paper_rows.linear(hmdb51=63.2, ucf101=90.5, k600=69.3),
  ),
  paper_rows.Row(
    table="Table 5",
    row="own backbones, shared projector, shared predictor",
    values=paper_rows.linear(hmdb51=63.2, ucf101=90.5, k600=69.3),
  ),
  paper_rows.Row(
    table="Appendix E",
    row="broad backbone, RGB",
    values={"hmdb51_linear_broad": 63.4, "ucf101_linear_broad": 90.3},
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(common.rgb_broad(random_convolution=False))
