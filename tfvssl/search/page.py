"""What a search found as one self-contained HTML page; knows no TensorFlow.

Pictures and sounds of the hits are inside the file; only the links lead out of
it. Whatever comes from outside (names, sentences) is escaped here.
"""

import base64
import dataclasses
import html
import io
import os
import urllib.parse
import wave

from absl import logging
import numpy as np

from tfvssl.data.media import streams
from tfvssl.pages import gallery
from tfvssl.pages import template
from tfvssl.runtime import storage
from tfvssl.runtime import terminal
from tfvssl.search import index as searching
from tfvssl.search import ranking

_TEMPLATE = storage.Path(__file__).with_name("page_template.html")
_PICTURE_SIDE = 180
_SOUND_S = 4.0
_SOUND_RATE_HZ = 16_000
_NUM_BARS = 48


@dataclasses.dataclass
class Excerpt:
  """A few seconds of a file: `mp4`, or of sound `wav` and its loudness.

  Attributes:
    mp4: of H.264 and AAC; empty for sound.
    still: JPEG of its first picture, seen until the mp4 plays and where a
      browser cannot play it; empty for sound.
    wav: mono; empty for pictures.
    peaks: largest absolute sample of equal stretches, 0 to 1.
  """

  mp4: bytes = b""
  still: bytes = b""
  wav: bytes = b""
  peaks: list[float] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Tile:
  """A hit on the page.

  Attributes:
    name: of the file.
    score: cosine.
    start_s: where the best window starts.
    link: URL of the file at that time, as seen from the page; empty if the
      file is gone.
    excerpt: from that time on; None if it cannot be shown.
    label: empty where none is known.
  """

  name: str
  score: float
  start_s: float
  link: str = ""
  excerpt: Excerpt | None = None
  label: str = ""


@dataclasses.dataclass
class Content:
  """What the page shows.

  Attributes:
    query: sentence or name of a file.
    kind: sentence, clip or sound.
    lead: what was compared with what.
    tiles: hits, best first.
    remarks: what the user must know.
    excerpt: of a file that was the query.
    own: the query's own file, if the index has it.
    noise: the noise level, None without one.
  """

  query: str
  kind: str
  lead: str
  tiles: list[Tile]
  remarks: list[str] = dataclasses.field(default_factory=list)
  excerpt: Excerpt | None = None
  own: list[Tile] = dataclasses.field(default_factory=list)
  noise: float | None = None


def tiles(
  index: searching.Index, hits: list[ranking.Hit], output: storage.Path
) -> list[Tile]:
  """Returns the hits with excerpts at the found times, and links to them.

  Args:
    index: that was searched.
    hits: of ranking.rank.
    output: where the page will be.
  """
  found = []
  for hit in hits:
    tile = Tile(hit.path, hit.score, hit.start_s, label=hit.label)
    file = searching.file_of(index, hit.path)
    if file is None:
      name = terminal.printable(hit.path)
      logging.warning("%s is not in %s any more", name, index.folder)
    else:
      tile.link = link(file, output, hit.start_s)
      tile.excerpt = excerpt(file, hit.start_s, hit.is_sound)
    found.append(tile)
  return found


def excerpt(
  file: storage.Path, start_s: float, is_sound: bool
) -> Excerpt | None:
  """Returns four seconds of a file, None where it cannot be decoded.

  Args:
    file: of media.
    start_s: where they begin, in seconds.
    is_sound: whether only its sound counts.
  """
  try:
    if not is_sound:
      film = gallery.excerpt(file, start_s=start_s, short_side=_PICTURE_SIDE)
      return Excerpt(mp4=film.mp4, still=film.still)
    sound = streams.decode_audio(
      file,
      start_s=start_s,
      duration_s=_SOUND_S,
      sample_rate_hz=_SOUND_RATE_HZ,
    )
  except (streams.MediaError, OSError, RuntimeError) as error:
    name = terminal.printable(str(file))
    logging.warning("%s is not shown: %s", name, error)
    return None
  stretches = np.array_split(np.abs(sound / 32768), _NUM_BARS)
  peaks = [float(part.max(initial=0)) for part in stretches]
  return Excerpt(wav=_wav(sound), peaks=peaks)


def _wav(sound):
  content = io.BytesIO()
  with wave.open(content, "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(_SOUND_RATE_HZ)
    file.writeframes(sound.astype("<i2").tobytes())
  return content.getvalue()


def link(file: storage.Path, output: storage.Path, start_s: float) -> str:
  """Returns the URL of a file at a time, relative to the page's folder.

  Every character that could end the URL or make a scheme of it is quoted.
  """
  relative = os.path.relpath(
    os.path.realpath(file), os.path.realpath(output.parent)
  )
  return f"{urllib.parse.quote(os.fsencode(relative))}#t={start_s:.2f}"


def clock(seconds: float) -> str:
  """Returns a time as minutes and seconds, from an hour on with hours."""
  tenths = round(seconds * 10)
  minutes, tenths = divmod(tenths, 600)
  hours, minutes = divmod(minutes, 60)
  rest = f"{tenths // 10:02d}.{tenths % 10}"
  if hours:
    return f"{hours}:{minutes:02d}:{rest}"
  return f"{minutes}:{rest}"


def write(content: Content, path: storage.PathLike) -> None:
  """Writes the page; it appears when it is complete."""
  storage.Path(path).parent.mkdir(parents=True, exist_ok=True)
  storage.write_text(path, page(content))


def page(content: Content) -> str:
  """Returns the page as HTML."""
  query = _text(content.query)
  pieces = {
    "title": query,
    "heading": f"&ldquo;{query}&rdquo;"
    if content.kind == "sentence"
    else query,
    "kind": _text(content.kind),
    "lead": _text(content.lead),
    "query": ""
    if content.excerpt is None
    else f'<figure class="picture">{_player(content.excerpt)}</figure>',
    "remarks": _remarks(content.remarks),
    "tiles": "".join(
      [_tile("the query", tile, content.noise) for tile in content.own]
      + [
        _tile(str(number), tile, content.noise)
        for number, tile in enumerate(content.tiles, 1)
      ]
    ),
  }
  return template.fill(_TEMPLATE, pieces)


def _text(value):
  return html.escape(terminal.printable(value), quote=True)


def _remarks(remarks):
  if not remarks:
    return ""
  items = "".join(f"<li>{_text(line)}</li>" for line in remarks)
  return f'<ul class="remarks">{items}</ul>'


def _tile(place, tile, noise):
  """Returns a hit; `place` is its rank or that it has none."""
  name = _text(tile.name)
  shown = name
  if tile.link:
    shown = f'<a href="{_text(tile.link)}" title="{name}">{name}</a>'
  if tile.excerpt is not None:
    picture = _player(tile.excerpt)
  else:
    picture = "cannot be shown" if tile.link else "is no longer there"
  label = f'<span class="label">{_text(tile.label)}</span>' * bool(tile.label)
  own = "" if place.isdigit() else " own"
  return (
    f'<figure class="hit{own}"><div class="picture">{picture}</div>'
    f'<figcaption><span class="name">{shown}</span>{label}'
    f'<span class="place"><b>{place}</b> at {clock(tile.start_s)}</span>'
    f'<span class="score">{tile.score:.3f}</span>'
    f'<span class="track"><i style="width:{_percent(tile.score)}"></i>'
    f"{_mark(noise)}</span></figcaption></figure>"
  )


def _mark(noise):
  """Returns a line across the track of a score, where the noise ends."""
  if noise is None:
    return ""
  return (
    f'<u title="noise level {noise:.3f}" style="left:{_percent(noise)}"></u>'
  )


def _percent(score):
  return f"{100 * max(0.0, min(1.0, score)):.1f}%"


def _player(found):
  """Returns the elements that play an excerpt."""
  if found.mp4:
    return (
      f'<img alt="" src="{_data_url("image/jpeg", found.still)}">'
      '<video controls loop muted playsinline preload="metadata"'
      f' src="{_data_url("video/mp4", found.mp4)}"></video>'
    )
  bars = "".join(
    f'<rect x="{i}" width=".6" y="{0.5 - peak / 2:.3f}" height="{peak:.3f}"/>'
    for i, peak in enumerate(max(peak, 0.02) for peak in found.peaks)
  )
  return (
    f'<svg viewBox="0 0 {len(found.peaks)} 1" preserveAspectRatio="none">{bars}'
    '</svg><audio controls preload="none"'
    f' src="{_data_url("audio/wav", found.wav)}"></audio>'
  )


def _data_url(kind, content):
  return f"data:{kind};base64,{base64.b64encode(content).decode()}"
