"""Embeds a folder of videos or sounds, or sentences, with an exported model.

  python -m tfvssl.embed --model=EXPORT --input=FOLDER --output=embeddings.npz
  python -m tfvssl.embed --model=EXPORT --sentences=FILE.txt --output=text.npz

For media: sliding windows, --hop_s apart; row k of a file starts at k * hop_s
for sight and sound alike. Columns: path, start_s, has_video, has_audio, audio_s
and, [rows, D], video_backbone, video_embedding, audio_backbone,
audio_embedding, and of MMV every space (video_va, video_vat, ...); zero where
the mask is False. label is the first-level sub-folder, as data_prep takes it,
if there is one. skipped_path, skipped_reason, skipped_detail name the files
that could not be read; `root` is the folder of the paths, seen from the output.

For text, one sentence a line, empty lines left out: text, text_backbone,
text_embedding, every space, and text_known_words, how many words of the
vocabulary the network saw: where it is 0 the embedding means nothing.

`model` tells which export it was; tfvssl.search takes no other.
"""

from collections.abc import Sequence
import shlex

from absl import flags
from absl import logging

from tfvssl.embed import inputs
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_MODEL = flags.DEFINE_string("model", None, "Folder of tfvssl.export.")
_INPUT = flags.DEFINE_string("input", None, "Folder of media, or one file.")
_SENTENCES = flags.DEFINE_string(
  "sentences", None, "Text file of sentences, one a line, instead of --input."
)
_OUTPUT = flags.DEFINE_string("output", None, "The .npz file to write.")
_HOP_S = flags.DEFINE_float(
  "hop_s", None, "Seconds between rows; by default one window."
)
_MODALITY = flags.DEFINE_enum(
  "modality", "all", ["all", "video", "audio"], "What to embed of --input."
)
_BATCH_SIZE = flags.DEFINE_integer(
  "batch_size", 8, "Windows per forward pass.", lower_bound=1
)
_TRUST = flags.DEFINE_boolean(
  "trust",
  False,
  "Load --model even if its graph may do more than compute.",
)
_MAX_SKIPPED = flags.DEFINE_float(
  "max_skipped",
  0.5,
  "Share of unreadable files above which the exit code is 4.",
  lower_bound=0.0,
  upper_bound=1.0,
)


def main(argv: Sequence[str]) -> int:
  """Embeds --input or --sentences and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _MODEL.value or not _OUTPUT.value:
    raise ValueError(
      "--model, --output and --input or --sentences are needed; for example"
      " --model=EXPORT --input=FOLDER --output=embeddings.npz"
    )
  if bool(_INPUT.value) == bool(_SENTENCES.value):
    raise ValueError(
      f"--input={_INPUT.value} and --sentences={_SENTENCES.value}: exactly one"
      " of the two is needed; embed media and text one after the other."
    )
  output = storage.Path(_OUTPUT.value)
  if output.suffix != ".npz":
    raise ValueError(
      f"--output={output} must end in .npz; for example"
      " --output=embeddings.npz."
    )
  if _HOP_S.value is not None and not _HOP_S.value > 0:
    raise ValueError(f"--hop_s={_HOP_S.value} must be above 0.")
  storage.check_place(output)
  if _SENTENCES.value:
    return _embed_sentences(storage.Path(_SENTENCES.value), output)
  return _embed_media(storage.Path(_INPUT.value), output)


def _embed_media(root, output):
  files = inputs.list_files(root)
  # Loads TensorFlow: after every check that needs none.
  from tfvssl.embed import run

  logging.set_verbosity(logging.INFO)
  asked = _MODALITY.value
  embedder = _load(("video", "audio") if asked == "all" else (asked,))
  counts = run.embed_media(embedder, files, root, output)
  print(
    f"{counts.rows} rows of {counts.files - counts.skipped} files,"
    f" {counts.skipped} skipped, {counts.no_media} not media files, in"
    f" {output}"
  )
  first = (root.parent if root.is_file() else root) / counts.first
  binary.print_next(
    "tfvssl.search",
    f"--model={_MODEL.value}",
    f"--index={output}",
    # A name that is no text is another one in the table.
    f"--query={first if first.is_file() else 'CLIP.mp4'}",
    "--output=results.html",
  )
  too_many = counts.skipped > _MAX_SKIPPED.value * counts.files
  return exit_codes.SKIPPED if too_many else exit_codes.OK


def _embed_sentences(path, output):
  sentences = inputs.read_sentences(path)
  from tfvssl.embed import run

  logging.set_verbosity(logging.INFO)
  run.embed_sentences(_load(("text",)), sentences, output)
  print(f"{len(sentences)} sentences in {output}")
  code = (
    f"import numpy; print(numpy.load({str(output)!r})['text_embedding'].shape)"
  )
  print(f"next: {shlex.join(['python', '-c', code])}")
  return exit_codes.OK


def _load(modalities):
  from tfvssl.embed import run

  return run.load(
    _MODEL.value,
    modalities,
    hop_s=_HOP_S.value,
    batch_size=_BATCH_SIZE.value,
    trusted=_TRUST.value,
  )


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
