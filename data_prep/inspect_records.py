"""Checks a record folder, says what is in it, and shows what is learned from.

  python -m tfvssl inspect --records=RECORDS \\
      --config=tiny_brave --report=views.html

Reads every byte (--noverify: only sizes and the beginning of each record) and
ends with code 3 if anything is damaged. With a config, the report is one HTML
page of every view of some clips exactly as the networks see them, augmented.
"""

import base64
import collections
from collections.abc import Iterator, Sequence
import html

from absl import flags as absl_flags

from tfvssl import views
from tfvssl.config import flag
from tfvssl.data.records import encoded_clip
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

from . import next_command
from . import time_axis

_CONFIG = flag.define_config()
_RECORDS = absl_flags.DEFINE_string(
  "records", None, "Folder of tfvssl prepare."
)
_VERIFY = absl_flags.DEFINE_bool(
  "verify", True, "Read every byte and check it."
)
_REPORT = absl_flags.DEFINE_string(
  "report", None, "HTML page to write; needs --config."
)
_CLIPS = absl_flags.DEFINE_integer(
  "clips", 6, "How many clips the report shows.", lower_bound=1
)

_MOST_LABELS = 20
_MOST_CAPTIONS = 3
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 75em;
  padding: 0 1em; color: #222; background: #fff; }
h1, h2 { font-weight: 600; line-height: 1.2; }
h2 { font-size: 1.05em; margin: 2em 0 .4em; overflow-wrap: anywhere; }
figure { margin: .6em 0; }
img { display: block; max-width: 100%; height: auto; image-rendering: pixelated;
  border: 1px solid #ccc; }
figcaption { color: #555; font-size: .9em; }
pre { overflow-x: auto; background: #f5f5f5; padding: .8em; }
"""


def main(argv: Sequence[str]) -> int:
  """Checks and describes the folder; returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _RECORDS.value:
    raise ValueError("--records is missing; for example --records=RECORDS")
  has_config = absl_flags.FLAGS.config is not None
  if has_config != (_REPORT.value is not None):
    raise ValueError(
      "--config and --report belong together; for example"
      " --config=tiny_brave --report=views.html"
    )
  experiment = flag.read_config() if has_config else None
  if experiment:
    storage.check_place(_REPORT.value)
  folder = storage.Path(_RECORDS.value)
  description = _describe(folder)
  print("\n".join(description))
  if experiment:
    page = render(folder, experiment, description, _CLIPS.value)
    storage.write_text(_REPORT.value, page)
    print(f"next: open {_REPORT.value} in a browser")
  else:
    binary.print_next(*next_command.after_records(folder))
  return exit_codes.OK


def _describe(folder):
  """Returns lines about a folder without damage.

  Raises:
    exit_codes.UserError: something is damaged; every problem is printed.
  """
  from tfvssl.data.records import manifest as manifest_lib

  try:
    manifest = manifest_lib.load_manifest(folder)
    from tfvssl.data.records import check  # loads TensorFlow
    from tfvssl.data.records import contexts

    problems = (
      check.verify(folder)
      if _VERIFY.value
      else contexts.compare_beginnings(folder, manifest)[0]
    )
    if not problems:
      return list(_summary(folder, manifest))
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  for problem in problems:
    print(problem)
  raise exit_codes.UserError(
    exit_codes.DATA,
    f"{folder} has {len(problems)} problems, listed above; prepare it again"
    " or restore the files.",
  )


def _summary(folder, manifest) -> Iterator[str]:
  """Yields what the manifest and the records' contexts say."""
  from tfvssl.data.records import contexts

  words = collections.Counter(
    word
    for shard in manifest.shards
    for held in shard.modalities
    for word in held.split("+")
  )
  labels: collections.Counter[str] = collections.Counter()
  captions: list[str] = []
  durations, sizes, rates = [], collections.Counter(), {}
  for shard in manifest.shards:
    for _, context in contexts.of_shard(folder / shard.file):
      label = context.get("clip/label/text", b"").decode("utf-8", "replace")
      labels.update(label.split("|") if label else ["(none)"])
      captions += [caption.text for caption in _captions(context)]
      durations.append(context["clip/duration_s"])
      if "image/width" in context:
        sizes[f"{context['image/width']}x{context['image/height']}"] += 1
      rates.update(
        {
          name: value
          for name, value in context.items()
          if name.endswith(("_hz", "_px", "/dtype", "/num_mels"))
        }
      )
  checked = "every byte checked" if _VERIFY.value else "sizes checked"
  total = sum(shard.bytes for shard in manifest.shards)
  shards = len(manifest.shards)
  yield f"{folder}: {manifest.clip_count} clips in {shards} shards"
  yield f"  bytes           {total:,}; {checked}"
  yield f"  schema          version {manifest.schema_version}"
  yield f"  configuration   {manifest.config_hash}"
  yield "  modalities      " + ", ".join(
    f"{word} in {words[word]}" for word in sorted(words)
  )
  silent = sum(sum(shard.silent()) for shard in manifest.shards)
  if all(shard.digests for shard in manifest.shards):
    yield f"  silent sound    in {silent} clips"
  yield "  labels          " + _counts(labels)
  if captions:
    shown = ", ".join(f"{text!r:.80}" for text in captions[:_MOST_CAPTIONS])
    yield f"  captions        {len(captions)}, such as {shown}"
  if sizes:
    yield "  frame sizes     " + _counts(sizes)
  if durations:
    yield (
      f"  duration        {min(durations):.2f} to {max(durations):.2f} s,"
      f" {sum(durations) / 60:.1f} min in all"
    )
  for name, value in sorted(rates.items()):
    shown = value.decode() if isinstance(value, bytes) else f"{value:g}"
    yield f"  {name:<28}{shown}"


def _captions(context):
  """Returns the captions of a record's context, by their start."""
  from tfvssl.data.records import schema

  texts = [text.decode("utf-8", "replace") for text in context["clip/caption"]]
  starts, ends = (
    context.get(name, [limit] * len(texts))
    for name, limit in zip(
      schema.CAPTION_TIMES, (0.0, context["clip/duration_s"]), strict=True
    )
  )
  found = map(encoded_clip.Caption, texts, starts, ends)
  return sorted(
    (caption for caption in found if caption.text),
    key=lambda caption: caption.start_s,
  )


def _counts(counter):
  shown = [f"{name}: {n}" for name, n in counter.most_common(_MOST_LABELS)]
  rest = len(counter) - len(shown)
  return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def render(
  folder: storage.Path, experiment, description: list[str], clips: int
) -> str:
  """Returns an HTML page of the views of the first usable clips.

  Args:
    folder: of the records.
    experiment: whose method makes the views.
    description: lines about the folder.
    clips: how many.

  Raises:
    exit_codes.UserError: a clip cannot be read; it is named.
  """
  import tensorflow as tf

  from tfvssl.data.records import check
  from tfvssl.data.records import reader
  from tfvssl.train import view_images

  method = experiment.method.build()
  specs = method.view_specs
  records = reader.open_for_views(
    folder,
    specs.values(),
    use_silent_sound=experiment.data.use_silent_sound,
  )
  clips = min(clips, records.usable_count)
  try:
    batch = view_images.sample(
      method, records, seed=experiment.seed, clips=clips
    )
  except tf.errors.OpError as error:
    raise exit_codes.UserError(
      exit_codes.DATA, check.explain_read_error(error, records)
    ) from error
  first = next(iter(batch.values()))
  numbers = [int(number) for number in first.sample_index[:clips]]
  context_of = _contexts(records, set(numbers))
  words = _words(specs)
  parts = [f"<pre>{html.escape(chr(10).join(description))}</pre>"]
  parts += [
    f"<p><b>{html.escape(name)}</b>: {html.escape(_say(spec))}</p>"
    for name, spec in specs.items()
  ]
  if any(view.flow is not None for view in batch.values()):
    parts.append(_figure(_colour_wheel(), "direction and speed of flow"))
  for index, number in enumerate(numbers):
    label = int(first.labels[index])
    named = records.classes[label] if label >= 0 else "no label"
    shown = {name: (specs[name], view) for name, view in batch.items()}
    parts += _clip_parts(context_of[number], named, shown, index, words)
  body = "\n".join(parts)
  title = html.escape(f"What the networks see of {folder}")
  return (
    "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width'>"
    f"<title>{title}</title><style>{_STYLE}{time_axis.STYLE}</style></head>\n"
    f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
  )


def _clip_parts(context, named, shown, index, words):
  """Yields what the page has of one clip: id, captions and every view."""
  from tfvssl.train import view_images

  clip_id = context["clip/id"].decode("utf-8", "replace")
  yield f"<h2>{html.escape(f'{clip_id} ({named})')}</h2>"
  for text, start_s, end_s in _captions(context):
    line = f"{start_s:.2f} to {end_s:.2f} s: {text}"
    yield f"<p>{html.escape(line)}</p>"
  placed = []
  for name, (spec, view) in shown.items():
    start_s = float(view.start_s[index])
    if view.text is None:
      line = f"{name}, {time_axis.extent(start_s, spec.seconds)}"
      kind = "sound" if view.audio is not None else ""
      figure = _figure(view_images.picture(view, index), line, kind)
      placed.append(time_axis.Piece(start_s, spec.seconds, figure))
    else:
      lines = [
        " ".join(words[name][i] for i in row if i in words[name])
        for row in view.text[index].numpy().tolist()
      ]
      place = f"{name}, from {start_s:.2f} s"
      yield f"<p>{html.escape(f'{place}: ' + ' / '.join(lines))}</p>"
  yield time_axis.aligned(placed)


def _words(specs):
  """Returns id to word of every text view by name, without padding."""
  from tfvssl.data import text

  found = {}
  for name, spec in specs.items():
    if spec.piece == "text":
      ids = text.read_vocabulary(spec.vocabulary, spec.vocabulary_format)
      found[name] = {i: word for word, i in ids.items() if word != text.PAD}
  return found


def _say(spec):
  """Returns one line about a view's extent."""
  if spec.piece == "text":
    return (
      f"{spec.num_captions} captions nearest to the pictures, {spec.max_words}"
      " words of each"
    )
  if spec.heard is not spec:
    return f"{_say(spec.heard)}, made on the device"
  if spec.piece == "audio":
    kind = spec.spectrogram
    return (
      f"{kind.title} spectrogram of {spec.seconds:g} s, {spec.num_frames}"
      f" frames of {kind.num_bins} {kind.bins_title}, time to the right"
    )
  return (
    f"{spec.title}, {spec.num_frames} frames {spec.frame_step} record frames"
    f" apart, {spec.image_size} px; at most 8 of them are shown"
  )


def _contexts(records, numbers):
  """Returns the contexts of some records by their sample_index."""
  from tfvssl.data.records import contexts

  everything = (
    context
    for path in records.paths
    for _, context in contexts.of_shard(storage.Path(path))
  )
  return {
    number: context
    for number, context in enumerate(everything)
    if number in numbers
  }


def _colour_wheel():
  import numpy as np

  from tfvssl.train import view_images

  v, u = np.mgrid[-1:1:65j, -1:1:65j]
  flow = np.stack([u, v], -1)[np.newaxis, np.newaxis].astype(np.float32)
  return view_images.picture(views.View(flow=flow), 0)


def _figure(picture, caption, kind=""):
  import tensorflow as tf

  png = base64.b64encode(tf.io.encode_png(picture).numpy()).decode()
  return (
    f"<figure><img class='{kind}' alt='{html.escape(caption, quote=True)}'"
    f" src='data:image/png;base64,{png}'>"
    f"<figcaption>{html.escape(caption)}</figcaption></figure>"
  )


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
