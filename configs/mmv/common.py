"""What MMV's runs have in common; a recipe says only what is its own.

"Paper" is MMV's in these recipes. It leaves open for all of them: the sizes of
the spectrogram and its logarithm (here those that VATT, of the same authors,
gives for MMV); the vocabulary and the stop words (HowTo100M's caption files
come without; for others name a list by
--config.method.partners.text.view.stop_words); how many captions are
candidates (five, as in the released lineage); and which pairs the loss has
(Eq. 2 and Eq. 3 to 8 differ; here the latter). Noise on the sound is in the
final runs alone: Sec. 4.2 adds it, but Tables 6 to 8
have the numbers of Table 9's row without, and Table 1's VA those of Table 8;
the other rows of Table 1 are taken to be like it.

The linear evaluation is appendix A.2's: ten clips, central squares out of
frames of 224 px, C from a grid that holds the published values. HMDB51's
squares of 200 px are those of training; UCF101's of 224 px and Table 2's 2 s
of sound for ESC-50 are flags of tfvssl.evaluate, --image_size=224 and
--seconds=2.
"""

import dataclasses
from typing import Any

from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import word_embedding
from tfvssl.config import experiment
from tfvssl.config import paper_rows
from tfvssl.config import protocols
from tfvssl.methods import mmv
from tfvssl.methods.parts import contrastive
from tfvssl.methods.parts import embedding_graph
from tfvssl.optim import adam

MMV = paper_rows.Paper(
  image_sizes={
    "ucf101_linear": 224,
    "hmdb51_linear": 200,
    **{name: 200 for name, item in paper_rows.BENCHMARKS.items() if item.image},
  },
  fine_tuned_by_sgd={
    "hmdb51_finetune": protocols.FineTuneSgd(),
    "ucf101_finetune": protocols.FINE_TUNE_SGD_UCF101,
  },
  sources={
    "": "paper Sec. 4.2 (Tables 1, 6 to 9) and 4.3 (Table 2)",
    "method.video": "paper Sec. 4.1",
    "method.video.crop": "paper A.1",
    "method.video.augmentation": "paper A.1",
    "method.partners.audio.view.spectrogram": "VATT's for MMV; released",
    "method.partners.audio.backbone": "paper Sec. 4.1",
    "optimizer": "paper A.1",
    "schedule": "paper Sec. 4.1 and A.1",
    "svm": "paper A.2; of ESC-50 it tells no classifier",
    "linear": "BraVe appendix B; no protocol of MMV's",
    "finetune": "BraVe appendix B; MMV's is finetune_sgd",
    "finetune_sgd": "paper A.2 and Table 5, HMDB51",
    "pascal": "paper A.2; learning rates, batch and held-out share are ours",
    "imagenet": "paper A.2; learning rates, batch and held-out share are ours",
    "mlp": "BraVe appendix B; no protocol of MMV's",
  },
)

# As Table 2 prints them.
_PARAMETERS = {"S3D-G": "9.1M", "TSM-50": "23.5M", "TSM-50x2": "93.9M"}


def ablation_rows(
  *places: tuple[str, str], network: str = "S3D-G", **values: float
) -> tuple[paper_rows.Row, ...]:
  """Returns rows of Tables 1 and 6 to 9: 16 frames, first split (Sec. 4.2).

  Args:
    *places: table, and what stands in the first columns of its row; several
      where the paper prints the same run again.
    network: f_v, for the number of its parameters.
    **values: benchmark to the number as printed.
  """
  return tuple(
    paper_rows.Row(
      table,
      row,
      values,
      parameters=_PARAMETERS[network],
      test_frames=16,
      first_split=True,
      paper=MMV,
    )
    for table, row in places
  )


def final_row(
  row: str,
  network: str,
  *,
  linear: tuple[float, float, float],
  fine_tuned: tuple[float, float],
) -> paper_rows.Row:
  """Returns a row of Table 2: 32 frames, ESC-50 by 2 s of sound (Sec. 4.1).

  Args:
    row: what stands in its first columns.
    network: f_v, for the number of its parameters.
    linear: UCF101, HMDB51, ESC-50.
    fine_tuned: UCF101, HMDB51.
  """
  names = ("ucf101_linear", "hmdb51_linear", "esc50_linear")
  tuned = ("ucf101_finetune", "hmdb51_finetune")
  values = zip((*names, *tuned), (*linear, *fine_tuned), strict=True)
  return paper_rows.Row(
    "Table 2",
    row,
    dict(values),
    parameters=_PARAMETERS[network],
    test_seconds=2.0,
    paper=MMV,
  )


def image_rows(
  network: str,
  *,
  naive_deflation: tuple[float, float, float],
  deflation: tuple[float, float, float],
  input_inflation: tuple[float, float, float],
) -> tuple[paper_rows.Row, ...]:
  """Returns the rows of a network in Table 3: PASCAL mAP, ImageNet top-1, 5."""
  columns = ("voc2007", "imagenet", "imagenet_top_5")
  strategies = (
    ("n-def", "naive_deflation", naive_deflation),
    ("def", "deflation", deflation),
    ("i-inf", "input_inflation", input_inflation),
  )
  return tuple(
    paper_rows.Row(
      "Table 3",
      f"MMV {network}, {short}",
      {
        f"{column}_{name}": v for column, v in zip(columns, values, strict=True)
      },
      paper=MMV,
    )
    for short, name, values in strategies
  )


def retrieval_row(
  network: str,
  *,
  youcook2: tuple[float, float, float, float],
  msrvtt: tuple[float, float, float, float],
) -> paper_rows.Row:
  """Returns a row of Table 4: R@1, R@5, R@10 and MedR of both data sets."""
  columns = ("recall_at_1", "recall_at_5", "recall_at_10", "median_rank")
  values = {
    f"{data_set}_{column}": value
    for data_set, row in (("youcook2", youcook2), ("msrvtt", msrvtt))
    for column, value in zip(columns, row, strict=True)
  }
  name = f"MMV FAC (ours), {network}"
  return paper_rows.Row("Table 4", name, values, paper=MMV)


def ablation_audio(
  head: embedding_graph.Head = embedding_graph.Head.LINEAR,
  loss: contrastive.Form = contrastive.Form.PAPER,
  **view: Any,
) -> dict[str, mmv.Partner]:
  """Returns sound as long as 16 frames at 10 a second, without noise.

  Args:
    head: of the sound.
    loss: between pictures and sound.
    **view: fields of WaveformViewSpec.
  """
  spec = views.WaveformViewSpec(**{"seconds": 1.6, "noise": 0.0, **view})
  return _audio(spec, head=head, loss=loss)


def audio() -> dict[str, mmv.Partner]:
  """Returns the final runs' sound: 3.2 s, as 32 frames, with noise."""
  return _audio(views.WaveformViewSpec())


def _audio(spec, **partner):
  backbone = resnet_audio.AudioResNetConfig()
  return {"audio": mmv.Partner(spec, backbone, **partner)}


def text(
  head: embedding_graph.Head = embedding_graph.Head.LINEAR,
  weight: float = 1.0,
) -> dict[str, mmv.Partner]:
  """Returns captions; a command names their vocabulary and its word2vec.

  Args:
    head: of the text.
    weight: 10 with sound on HowTo100M alone, else 1 (Sec. 4.1).
  """
  backbone = word_embedding.WordEmbeddingConfig()
  return {
    "text": mmv.Partner(views.TextViewSpec(), backbone, weight, head=head)
  }


def ablation_video() -> views.RgbViewSpec:
  """Returns 16 frames at 10 a second, 200 px of 224 (Sec. 4.1 and 4.2)."""
  return dataclasses.replace(mmv.video_view(), num_frames=16)


def ablation(
  partners: dict[str, mmv.Partner], **method: Any
) -> experiment.Experiment:
  """Returns a run of Tables 1 and 6 to 9: 512 clips a step (Sec. 4.2).

  Args:
    partners: of `ablation_audio`, `text` or both.
    **method: fields of MmvConfig that differ from the appendix' usual: linear
      heads and, with one partner, one space.
  """
  method = {
    "video": ablation_video(),
    "video_head": embedding_graph.Head.LINEAR,
    **method,
  }
  return _experiment(partners, method, batch_size=512)


def final(
  partners: dict[str, mmv.Partner], batch_size: int = 4096, **method: Any
) -> experiment.Experiment:
  """Returns a run of Table 2: 32 frames, a non-linear video head (Sec. 4.3).

  Args:
    partners: of `audio`, and `text` where there is any.
    batch_size: 2048 for TSM-50x2.
    **method: fields of MmvConfig that differ from their defaults.
  """
  return _experiment(partners, method, batch_size=batch_size)


def _experiment(partners, method, *, batch_size):
  """Returns a run of 500k steps, by Adam (Sec. 4.2 and A.1)."""
  if len(partners) == 1:
    method = {"graph": embedding_graph.Graph.SHARED, **method}
  return experiment.Experiment(
    method=mmv.MmvConfig(partners, **method),
    optimizer=adam.AdamConfig(epsilon=1e-8, rate_factors={"predictor": 1.0}),
    schedule=experiment.Schedule(peak=0.002, warmup_steps=5000),
    svm=protocols.Svm(spatial_crops=1, test_short_side=224),
    batch_size=batch_size,
    steps=500_000,
  )
