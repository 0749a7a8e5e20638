"""Turns a folder of videos, or a csv that names them, into records.

  python -m tfvssl prepare --input=VIDEOS --output=RECORDS \\
      --modalities=rgb,audio --test_share=0.25

With a folder every file is an input and the first-level sub-folder is its
label. With a csv every row is; columns: path (from the csv's folder) and
optionally id, start_s, end_s, label, split, caption. Several labels are
written `a|b`. Where there is a split, from the csv or by --test_share,
OUTPUT/train and OUTPUT/test become record folders, else OUTPUT itself.

A caption of the csv lasts all of its row. Captions with times come from a csv
of their own, --captions, several rows for a path; every clip of a cut file has
those that it overlaps.

  python -m tfvssl prepare --dataset=hmdb51 --annotations=LISTS \\
      --input=VIDEOS --output=RECORDS --dataset_split=1 --modalities=rgb

With a dataset its official lists say which files of the folder are clips, and
their labels and splits; they may name more than is there. How much is there
stands in report.json, under `coverage`, and in missing.csv. Where there are
several official splits each is one run, into OUTPUT/split_1/train and so on;
what an earlier split has decoded is copied.

Every input is either written or stands, with its reason, in quarantine.csv;
report.json has the counts. With --damage=skip_clips an input that is damaged
somewhere keeps its whole clips, and skipped_clips.csv has the others.

An interrupted run continues when it is started again with the same flags.
"""

from collections.abc import Sequence
import dataclasses
import os

from absl import app
from absl import flags

from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes

from .. import next_command
from ..datasets import definitions
from . import optical_flow
from . import run
from . import settings as settings_lib
from . import splits

_DEFAULTS = settings_lib.Settings()

_INPUT = flags.DEFINE_string(
  "input", None, "Folder of any depth, or a csv.", required=True
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "Folder of the records.", required=True
)
_MODALITIES = flags.DEFINE_list(
  "modalities",
  ["rgb", "audio"],
  "What the records hold: rgb, audio, flow, spectrogram. Without rgb and"
  " flow, files that are only sound are clips too. Flow takes about 0.07 s"
  " of one core for every frame. The packed spectrogram is the paper's; a"
  " view that asks for another one needs audio. Captions are not a word of it:"
  " they are packed wherever there are some.",
)
_CAPTIONS = flags.DEFINE_string(
  "captions",
  None,
  "Csv of captions with the columns path, as in the csv of --input or from its"
  " folder, text, and optionally start_s and end_s, in seconds of the file;"
  " without them a caption lasts all of it.",
)
_DATASET = flags.DEFINE_enum(
  "dataset",
  None,
  sorted(definitions.BY_NAME),
  "Dataset whose official lists stand in --annotations; --input is then the"
  " folder of its files, of which some may be missing.",
)
_ANNOTATIONS = flags.DEFINE_string(
  "annotations", None, "Folder of the lists of --dataset, as distributed."
)
_DATASET_SPLIT = flags.DEFINE_integer(
  "dataset_split",
  0,
  "Which official split of --dataset, from 1; 0 where there is only one.",
  lower_bound=0,
)
_IMAGES = flags.DEFINE_bool(
  "images",
  False,
  "Files named .jpg, .jpeg or .png become clips of one frame; without it they"
  " are not media.",
)
_LABELS = flags.DEFINE_enum(
  "labels",
  "folder",
  ["folder", "none"],
  "With a folder as input: whether the first-level sub-folder is the label.",
)
_TEST_SHARE = flags.DEFINE_float(
  "test_share",
  0.0,
  "Share of the files of each label that goes to OUTPUT/test, the rest to"
  " OUTPUT/train, by a hash of the path; 0 for no split. Not with a csv that"
  " has a column `split`.",
  lower_bound=0.0,
  upper_bound=0.9,
)
_CLIP_SECONDS = flags.DEFINE_float(
  "clip_seconds",
  _DEFAULTS.clip_seconds,
  "Longer files become consecutive clips of this length, to the nearest of"
  " their frames.",
)
_MIN_TAIL_SECONDS = flags.DEFINE_float(
  "min_tail_seconds",
  None,
  "A rest after the last whole clip that is shorter is left out; by default"
  f" {_DEFAULTS.min_tail_seconds:g} s, or half a clip if that is less.",
)
_SHORT_SIDE = flags.DEFINE_integer(
  "short_side", _DEFAULTS.short_side, "Short side of the frames, in pixels."
)
_JPEG_QUALITY = flags.DEFINE_integer(
  "jpeg_quality", _DEFAULTS.jpeg_quality, "Quality of the frames, 1 to 100."
)
_FRAME_RATE = flags.DEFINE_float(
  "frame_rate_hz",
  _DEFAULTS.frame_rate_hz,
  "Frames per second of pictures and flow; that of the views'"
  " `record_rate_hz`.",
)
_SAMPLE_RATE = flags.DEFINE_integer(
  "sample_rate_hz",
  _DEFAULTS.sample_rate_hz,
  "Samples per second of sound; that of the views' `spectrogram`.",
)
_FLOW_SHORT_SIDE = flags.DEFINE_integer(
  "flow_short_side",
  _DEFAULTS.flow.short_side,
  "Short side of the flow fields, in pixels; that of the views'"
  " `resize_short_side`.",
)
_FLOW_BOUND = flags.DEFINE_float(
  "flow_bound_px",
  _DEFAULTS.flow.bound_px,
  "Largest motion that is stored, in pixels per frame.",
)
_SPECTROGRAM_DTYPE = flags.DEFINE_enum(
  "spectrogram_dtype",
  _DEFAULTS.spectrogram_dtype,
  ["float16", "float32"],
  "How the spectrogram is packed; float16 is exact to 5e-3.",
)
_MAX_PIXELS = flags.DEFINE_integer(
  "max_pixels", _DEFAULTS.max_pixels, "Larger pictures are not decoded."
)
_DECODE_BUDGET = flags.DEFINE_float(
  "decode_budget_s",
  _DEFAULTS.decode_budget_s,
  "How long the decoder may keep a file waiting, in seconds; 0 for ten times"
  " its duration and at least 30 s.",
)
_DAMAGE = flags.DEFINE_enum(
  "damage",
  _DEFAULTS.damage,
  list(settings_lib.DAMAGE),
  "What becomes of an input with damage: `strict` leaves all of it out,"
  " `skip_clips` keeps the clips before and behind the damage that are whole"
  " and lists the others in skipped_clips.csv.",
)
_SILENCE = flags.DEFINE_float(
  "worker_silence_s",
  600.0,
  "A worker that finishes no clip for so long is killed.",
  lower_bound=1.0,
)
_NUM_WORKERS = flags.DEFINE_integer(
  "num_workers", 0, "Processes; 0 for one per core.", lower_bound=0
)
_NUM_SHARDS = flags.DEFINE_integer(
  "num_shards",
  0,
  "Shards of each record folder; 0 for one per 64 files or 256 MB of input,"
  " at least 8.",
  lower_bound=0,
)
_MAX_QUARANTINED = flags.DEFINE_float(
  "max_quarantined_share",
  0.5,
  "With a larger share of unusable inputs the exit code is 4.",
  lower_bound=0.0,
  upper_bound=1.0,
)


def main(argv: Sequence[str]) -> int:
  """Prepares the records that the flags ask for; returns the exit code."""
  if len(argv) > 1:
    raise app.UsageError(f"unknown argument {argv[1]!r}; see --help.")
  request = _request(_settings())
  return _conclude(run.prepare(request), request)


def _request(settings):
  return run.Request(
    input=_INPUT.value,
    output=_OUTPUT.value,
    settings=settings,
    definition=_dataset(),
    annotations=_ANNOTATIONS.value,
    dataset_split=_DATASET_SPLIT.value,
    captions=_CAPTIONS.value,
    has_labels=_LABELS.value == "folder",
    test_share=_TEST_SHARE.value,
    num_workers=_NUM_WORKERS.value or os.cpu_count() or 1,
    num_shards=_NUM_SHARDS.value,
    worker_silence_s=_SILENCE.value,
  )


def _settings():
  settings = settings_lib.Settings(
    modalities=tuple(sorted({word.strip() for word in _MODALITIES.value})),
    clip_seconds=_CLIP_SECONDS.value,
    min_tail_seconds=(
      min(_DEFAULTS.min_tail_seconds, _CLIP_SECONDS.value / 2)
      if _MIN_TAIL_SECONDS.value is None
      else _MIN_TAIL_SECONDS.value
    ),
    short_side=_SHORT_SIDE.value,
    jpeg_quality=_JPEG_QUALITY.value,
    flow=optical_flow.FlowSettings(
      short_side=_FLOW_SHORT_SIDE.value, bound_px=_FLOW_BOUND.value
    ),
    frame_rate_hz=_FRAME_RATE.value,
    sample_rate_hz=_SAMPLE_RATE.value,
    spectrogram_dtype=_SPECTROGRAM_DTYPE.value,
    spectrogram=dataclasses.replace(
      _DEFAULTS.spectrogram, sample_rate_hz=_SAMPLE_RATE.value
    ),
    max_pixels=_MAX_PIXELS.value,
    decode_budget_s=_DECODE_BUDGET.value,
    damage=_DAMAGE.value,
    images=_IMAGES.value or _is_of_images(),
  )
  settings.validate()
  return settings


def _is_of_images():
  return (
    _DATASET.value is not None and definitions.BY_NAME[_DATASET.value].images
  )


def _dataset():
  """Returns the definition of --dataset, None without, and checks its flags."""
  if _DATASET.value is None:
    if _ANNOTATIONS.value is not None or _DATASET_SPLIT.value:
      raise ValueError(
        "`--annotations` and `--dataset_split` need `--dataset`, one of"
        f" {', '.join(sorted(definitions.BY_NAME))}."
      )
    return None
  if not _ANNOTATIONS.value:
    raise ValueError(
      "`--dataset` needs `--annotations`, the folder of its official lists."
    )
  if _TEST_SHARE.value or _LABELS.value != "folder" or _IMAGES.value:
    raise ValueError(
      "`--dataset` has its own splits, labels and kind of files; leave out"
      " `--test_share`, `--labels` and `--images`."
    )
  definition = definitions.BY_NAME[_DATASET.value]
  if definition.captions is not None and _CAPTIONS.value is not None:
    raise ValueError(
      f"`--dataset` {definition.name} has its own captions; leave out"
      " `--captions`."
    )
  most, number = definition.num_splits, _DATASET_SPLIT.value
  if number > most or (most and not number):
    raise ValueError(
      f"`--dataset_split` ({number}) of {definition.name} must be"
      f" {f'1 to {most}' if most else 'left out, it has one split'}."
    )
  return definition


def _conclude(summary, request):
  """Prints the result and the next command; returns the exit code."""
  folder = request.folder
  print(
    f"{summary['written_count']} of {summary['input_count']} inputs became"
    f" {summary['clip_count']} clips in {folder}; quarantined:"
    f" {_words(summary['reasons'])}"
  )
  if skipped := len(summary["skipped_clips"]):
    print(
      f"{skipped} damaged clips of inputs that became clips are skipped; see"
      f" {folder / 'skipped_clips.csv'}"
    )
  if summary["silent_clips"]:
    print(
      f"{len(summary['silent_clips'])} clips have silent sound; it counts as"
      " none unless `data.use_silent_sound` is true"
    )
  if summary["empty_classes"]:
    print(
      "classes of which no clip was kept, and which count nowhere:"
      f" {', '.join(summary['empty_classes'])}"
    )
  if not summary["clip_count"]:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"no clip in {_INPUT.value}; reasons: {_words(summary['reasons'])}; see"
      f" {folder / 'quarantine.csv'}",
    )
  split = (
    splits.TRAIN
    if splits.TRAIN in summary["clips_per_split"]
    else (sorted(summary["clips_per_split"])[0])
  )
  binary.print_next(*next_command.after_records(folder / split))
  share = summary["quarantined_count"] / summary["input_count"]
  if share > _MAX_QUARANTINED.value:
    raise exit_codes.UserError(
      exit_codes.SKIPPED,
      f"{share:.0%} of the inputs are quarantined, more than"
      f" `--max_quarantined_share` ({_MAX_QUARANTINED.value:.0%}); the"
      f" records are written; see {folder / 'quarantine.csv'}",
    )
  return exit_codes.OK


def _words(reasons):
  return ", ".join(f"{n} {reason}" for reason, n in reasons.items()) or "none"


def console_main() -> None:
  """The console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
