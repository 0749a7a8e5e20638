"""Embeds a folder of videos or sounds with an exported model.

  python -m tfvssl.embed --model=EXPORT --input=FOLDER --output=embeddings.npz

Sliding windows, --hop_s apart; row k of a file starts at k * hop_s for sight
and sound alike. Columns of the output: path, start_s, has_video, has_audio,
audio_s and, [rows, D], video_backbone, video_embedding, audio_backbone,
audio_embedding (zero where the mask is False); skipped_path, skipped_reason,
skipped_detail name the files that could not be read.
"""

from collections.abc import Sequence
import pathlib

from absl import flags
from absl import logging
import tqdm

from tfvssl import exit_codes

_MODEL = flags.DEFINE_string("model", None, "Folder of tfvssl.export.")
_INPUT = flags.DEFINE_string("input", None, "Folder of media, or one file.")
_OUTPUT = flags.DEFINE_string("output", None, "The .npz file to write.")
_HOP_S = flags.DEFINE_float(
  "hop_s", None, "Seconds between rows; by default one window."
)
_MODALITY = flags.DEFINE_enum(
  "modality", "all", ["all", "video", "audio"], "What to embed."
)
_BATCH_SIZE = flags.DEFINE_integer(
  "batch_size", 8, "Windows per forward pass.", lower_bound=1
)
_MAX_SKIPPED = flags.DEFINE_float(
  "max_skipped",
  0.5,
  "Share of unreadable files above which the exit code is 4.",
  lower_bound=0.0,
  upper_bound=1.0,
)


def main(argv: Sequence[str]) -> int:
  """Embeds --input and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is no flag; see --helpfull.")
  if not _MODEL.value or not _INPUT.value or not _OUTPUT.value:
    raise ValueError(
      "--model, --input and --output are needed; for example --model=EXPORT"
      " --input=FOLDER --output=embeddings.npz"
    )
  output = pathlib.Path(_OUTPUT.value)
  if output.suffix != ".npz":
    raise ValueError(f"--output={output} must end in .npz")
  if _HOP_S.value is not None and not _HOP_S.value > 0:
    raise ValueError(f"--hop_s={_HOP_S.value} must be above 0.")
  root = pathlib.Path(_INPUT.value)
  files = _files(root)
  # Loads TensorFlow: after every check that needs none.
  from tfvssl import embedding

  logging.set_verbosity(logging.INFO)
  embedder = _load()
  progress = tqdm.tqdm(files, unit=" files")
  table, skipped = embedding.embed_files(embedder, progress, root)
  for item in skipped:
    logging.warning("skipped %s: %s: %s", *item)
  if not table:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"none of the {len(files)} files of {root} could be embedded; the first"
      f" was {skipped[0].path}: {skipped[0].reason}: {skipped[0].detail}",
    )
  embedding.save(output, table, skipped)
  print(
    f"{len(table['path'])} rows of {len(files) - len(skipped)} files,"
    f" {len(skipped)} skipped, in {output}"
  )
  column = "video_backbone" if embedder.video else "audio_backbone"
  print(
    f"next: python -c \"import numpy; print(numpy.load('{output}')"
    f"['{column}'].shape)\""
  )
  too_many = len(skipped) > _MAX_SKIPPED.value * len(files)
  return exit_codes.SKIPPED if too_many else exit_codes.OK


def _files(root):
  from tfvssl.data import media

  if not root.exists():
    raise FileNotFoundError(f"--input={root} does not exist.")
  files = [root] if root.is_file() else media.list_media(root)
  if not files:
    raise FileNotFoundError(f"--input={root} holds no video or audio file.")
  return files


def _load():
  from tfvssl import embedding

  asked = _MODALITY.value
  modalities = ("video", "audio") if asked == "all" else (asked,)
  try:
    return embedding.Embedder(
      _MODEL.value,
      modalities=modalities,
      hop_s=_HOP_S.value,
      batch_size=_BATCH_SIZE.value,
    )
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def console_main() -> None:
  """Runs the binary as a console script."""
  exit_codes.run(main)


if __name__ == "__main__":
  console_main()
