"""The page of a search: self-contained, escaped, with what was found."""

import html.parser
import io
import os
import pathlib
import urllib.parse
import wave

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.data.media import mp4
from tfvssl.data.media import streams
from tfvssl.runtime import terminal
from tfvssl.search import index as searching
from tfvssl.search import page as search_page
from tfvssl.search import ranking

EVIL = "\"><script>alert('x')</script>&\n\u202e"


class _Elements(html.parser.HTMLParser):
  """Collects the tags with their attributes, and the text."""

  def __init__(self, page):
    super().__init__()
    self.tags, self.texts = [], []
    self.feed(page)

  def handle_starttag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))

  def handle_data(self, data):
    self.texts.append(data)


def _content(text="fine", **changes):
  clip = search_page.Excerpt(mp4=b"mp4", still=b"jpg")
  sound = search_page.Excerpt(wav=b"wav", peaks=[0.0, 0.5, 1.0])
  settings = {
    "query": text,
    "kind": "sentence",
    "lead": text,
    "tiles": [
      search_page.Tile(text, 0.913, 72.0, "a/b.mp4#t=72.00", clip),
      search_page.Tile("c.wav", -0.2, 0.0, "c.wav#t=0.00", sound),
      search_page.Tile("d.mp4", 0.1, 0.0, "d.mp4#t=0.00"),
      search_page.Tile("e.mp4", 0.1, 0.0),
    ],
    "remarks": [text],
    **changes,
  }
  return search_page.Content(**settings)


def test_everything_from_outside_is_escaped():
  page = search_page.page(_content(EVIL))
  assert "alert('x')" not in page
  assert page.count("<script>") == 1  # the template's own
  assert "\u202e" not in page
  elements = _Elements(page)
  (shown,) = (
    attributes["title"]
    for tag, attributes in elements.tags
    if tag == "a" and "title" in attributes and "script" in attributes["title"]
  )
  assert shown == terminal.printable(EVIL)


def test_page_loads_nothing_from_elsewhere():
  page = search_page.page(
    _content(excerpt=search_page.Excerpt(b"query", b"seen"))
  )
  assert "{{" not in page
  elements = _Elements(page)
  sources = [a["src"] for _, a in elements.tags if "src" in a]
  assert sources == [
    "data:image/jpeg;base64,c2Vlbg==",
    "data:video/mp4;base64,cXVlcnk=",
    "data:image/jpeg;base64,anBn",
    "data:video/mp4;base64,bXA0",
    "data:audio/wav;base64,d2F2",
  ]
  links = [a["href"] for tag, a in elements.tags if tag == "a"]
  assert links == ["a/b.mp4#t=72.00", "c.wav#t=0.00", "d.mp4#t=0.00"]
  (policy,) = (a["content"] for _, a in elements.tags if "http-equiv" in a)
  assert "img-src data:;" in policy
  assert policy.startswith("default-src 'none';")


def test_hits_show_rank_time_and_score():
  elements = _Elements(search_page.page(_content()))
  text = " ".join(" ".join(elements.texts).split())
  assert "1 at 1:12.0 0.913" in text
  assert "2 at 0:00.0 -0.200" in text
  assert text.count("cannot be shown") == 1
  assert text.count("is no longer there") == 1
  widths = [a["style"] for tag, a in elements.tags if tag == "i"]
  assert widths[:2] == ["width:91.3%", "width:0.0%"]
  heights = [a["height"] for tag, a in elements.tags if tag == "rect"]
  assert heights == ["0.020", "0.500", "1.000"]


@pytest.mark.parametrize(
  ("seconds", "shown"),
  [
    (0, "0:00.0"),
    (59.96, "1:00.0"),
    (72.04, "1:12.0"),
    (3599.99, "1:00:00.0"),
    (36_672.5, "10:11:12.5"),
  ],
)
def test_times_are_minutes_and_seconds(seconds, shown):
  assert search_page.clock(seconds) == shown


def test_links_lead_to_the_file_whatever_its_name(tmp_path):
  page = tmp_path / "pages" / "results.html"
  for name in (b"javascript:alert(1).mp4", b'a "b" #1?.mp4', b"caf\xe9%41.mp4"):
    file = pathlib.Path(os.fsdecode(os.fsencode(tmp_path / "m") + b"/" + name))
    url, _, fragment = search_page.link(file, page, 1.5).partition("#")
    assert fragment == "t=1.50"
    assert urllib.parse.urlsplit(url).scheme == ""
    assert urllib.parse.unquote_to_bytes(url) == b"../m/" + name
    assert not set(url) & set("\"'<>&? :")


def test_label_noise_and_the_own_file_are_shown():
  own = search_page.Tile("q.mp4", 0.999, 4.0, label=EVIL)
  page = search_page.page(_content(own=[own], noise=0.5))
  elements = _Elements(page)
  text = " ".join(" ".join(elements.texts).split())
  assert "the query at 0:04.0 0.999" in text
  assert text.index("the query at") < text.index("1 at 1:12.0 0.913")
  assert terminal.printable(EVIL) in elements.texts
  assert "alert('x')" not in page
  classes = [a["class"] for tag, a in elements.tags if tag == "figure"]
  assert classes == ["hit own"] + ["hit"] * 4
  marks = [a for tag, a in elements.tags if tag == "u"]
  assert marks == [{"title": "noise level 0.500", "style": "left:50.0%"}] * 5
  assert page.count('class="label"') == 1
  assert "<u " not in search_page.page(_content())


def _red_then_blue(path):
  frames = np.zeros([150, 32, 48, 3], np.uint8)
  frames[:75, ..., 0], frames[75:, ..., 2] = 255, 255
  tone = 20_000 * np.sin(np.arange(6 * 48_000) / 48_000 * 2 * np.pi * 440)
  tone[: 5 * 48_000] = 0
  mp4.encode(frames, 25, path, sound=tone.astype(np.int16))


def test_excerpt_begins_at_the_found_time(tmp_path):
  _red_then_blue(tmp_path / "clip.mp4")
  for start_s, colour in ((0.0, 0), (3.5, 2)):
    found = search_page.excerpt(tmp_path / "clip.mp4", start_s, False)
    small = tmp_path / "small.mp4"
    small.write_bytes(found.mp4)
    means = streams.decode_frames(small)[0].mean(axis=(0, 1))
    assert np.argmax(means) == colour
    still = tf.io.decode_jpeg(found.still).numpy()
    assert still.shape == (180, 270, 3)
    np.testing.assert_allclose(still.mean(axis=(0, 1)), means, atol=8)
  info = streams.probe(small)
  assert info.has_audio
  assert info.height == 180
  assert info.duration_s == pytest.approx(2.5, abs=0.2)


def test_excerpt_of_sound_can_be_heard_and_seen(tmp_path):
  _red_then_blue(tmp_path / "clip.mp4")
  found = search_page.excerpt(tmp_path / "clip.mp4", 2.0, True)
  assert not found.mp4
  assert not found.still  # the loudness is drawn
  with wave.open(io.BytesIO(found.wav)) as file:
    assert file.getframerate() == 16_000
    assert file.getnframes() == pytest.approx(4 * 16_000, abs=200)
  # Three seconds of silence, then the tone.
  assert len(found.peaks) == 48
  assert max(found.peaks[:35]) < 0.02
  assert min(found.peaks[37:]) == pytest.approx(20_000 / 32_768, abs=0.1)


def test_tiles_tell_what_is_gone_from_what_cannot_be_shown(tmp_path, caplog):
  (tmp_path / "broken.mp4").write_bytes(b"no video at all" * 20)
  index = searching.Index(tmp_path, "abc", {})
  hits = [
    ranking.Hit("broken.mp4", 0.0, 0.5, False),
    ranking.Hit("gone\x1b.mp4", 0.0, 0.4, False),
  ]
  broken, gone = search_page.tiles(index, hits, tmp_path / "results.html")
  assert (broken.link, broken.excerpt) == ("broken.mp4#t=0.00", None)
  assert (gone.link, gone.excerpt) == ("", None)
  assert "broken.mp4 is not shown: unreadable" in caplog.text
  assert "gone\\x1b.mp4 is not in" in caplog.text


def test_page_appears_whole(tmp_path):
  path = tmp_path / "new" / "results.html"
  search_page.write(_content(), path)
  assert path.read_text(encoding="utf-8") == search_page.page(_content())
  assert [file.name for file in path.parent.iterdir()] == ["results.html"]
