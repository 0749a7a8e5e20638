"""MMV FAC: TSM-50x2, on HowTo100M + AudioSet.

Paper: Table 2, row "MMV FAC (ours), TSM-50x2, AS+HT"; Table 3, rows "MMV TSMx2,
  n-def", "MMV TSMx2, def" and "MMV TSMx2, i-inf"; Table 4, row "MMV FAC (ours),
  TSM-50x2".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vat_howto100m_audioset_tsm50x2.py \\
      --config.data.train_records=HOWTO100M \\
      --config.data.second_train_records=AUDIOSET \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 91.8, HMDB51 67.1, ESC-50 88.9; fine-tuned UCF101 95.2,
  HMDB51 75.0; zero-shot R@1, R@5, R@10 and MedR YouCook2 11.7, 33.4, 45.4, 13,
  MSRVTT 9.3, 23.0, 31.1, 38; images (PASCAL mAP, ImageNet top-1 and top-5)
  deflated 77.4, 56.6, 81.4, naively 45.6, 20.3, 39.9, inflated 77.4, 57.4,
  81.7.
Cost: 500k steps of 2048 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment

from . import common

PAPER = (
  common.final_row(
    "MMV FAC (ours), TSM-50x2, AS+HT",
    "TSM-50x2",
    linear=(91.8, 67.1, 88.9),
    fine_tuned=(95.2, 75.0),
  ),
  *common.image_rows(
    "TSMx2",
    naive_deflation=(45.6, 20.3, 39.9),
    deflation=(77.4, 56.6, 81.4),
    input_inflation=(77.4, 57.4, 81.7),
  ),
  common.retrieval_row(
    "TSM-50x2", youcook2=(11.7, 33.4, 45.4, 13), msrvtt=(9.3, 23.0, 31.1, 38)
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.final(
    {**common.audio(), **common.text()},
    batch_size=2048,
    video_backbone=tsm_resnet.TSMResNetConfig(width=2.0),
  )
