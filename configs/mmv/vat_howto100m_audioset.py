"""MMV FAC: S3D-G, on HowTo100M + AudioSet.

Paper: Table 2, row "MMV FAC (ours), S3D-G, AS+HT"; Table 3, rows "MMV S3D-G,
  n-def", "MMV S3D-G, def" and "MMV S3D-G, i-inf"; Table 4, row "MMV FAC (ours),
  S3D-G".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vat_howto100m_audioset.py \\
      --config.data.train_records=HOWTO100M \\
      --config.data.second_train_records=AUDIOSET \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 89.6, HMDB51 62.6, ESC-50 87.7; fine-tuned UCF101 92.5,
  HMDB51 69.6; zero-shot R@1, R@5, R@10 and MedR YouCook2 9.0, 25.7, 37.2, 20,
  MSRVTT 8.2, 21.0, 29.3, 44; images (PASCAL mAP, ImageNet top-1 and top-5)
  deflated 71.4, 45.2, 71.3, naively 41.8, 20.7, 40.5, inflated 72.1, 46.7,
  72.5.
Cost: 500k steps of 4096 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment

from . import common

PAPER = (
  common.final_row(
    "MMV FAC (ours), S3D-G, AS+HT",
    "S3D-G",
    linear=(89.6, 62.6, 87.7),
    fine_tuned=(92.5, 69.6),
  ),
  *common.image_rows(
    "S3D-G",
    naive_deflation=(41.8, 20.7, 40.5),
    deflation=(71.4, 45.2, 71.3),
    input_inflation=(72.1, 46.7, 72.5),
  ),
  common.retrieval_row(
    "S3D-G", youcook2=(9.0, 25.7, 37.2, 20), msrvtt=(8.2, 21.0, 29.3, 44)
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.final({**common.audio(), **common.text()})
