"""Pages are whole in themselves: shared style and script stand inside."""

import pathlib

import pytest

from tfvssl.pages import template

_PAGES = pathlib.Path(template.__file__).parent
_TEMPLATES = (
  _PAGES / "report_template.html",
  _PAGES.parent / "search" / "page_template.html",
)


def test_pieces_are_put_in_once_and_not_looked_at_again(tmp_path):
  file = tmp_path / "page.html"
  file.write_text("<p>{{text}}</p>{{text}}")
  assert template.fill(file, {"text": "{{style}}"}) == (
    "<p>{{style}}</p>{{style}}"
  )


def test_shared_style_and_script_stand_in_the_page(tmp_path):
  file = tmp_path / "page.html"
  file.write_text("<style>{{style}}</style><script>{{clips}}</script>")
  style, script = (
    (_PAGES / name).read_text().strip() for name in ("style.css", "clips.js")
  )
  assert template.fill(file, {}) == (
    f"<style>{style}</style><script>{script}</script>"
  )


def test_a_name_without_a_piece_is_an_error(tmp_path):
  file = tmp_path / "page.html"
  file.write_text("{{nobody}}")
  with pytest.raises(KeyError, match="nobody"):
    template.fill(file, {})


@pytest.mark.parametrize("path", _TEMPLATES, ids=lambda path: path.stem)
def test_no_template_repeats_what_is_shared(path):
  lines = set(path.read_text().splitlines())
  assert {"{{style}}", "{{clips}}"} <= lines
  shared = set()
  for name in ("style.css", "clips.js"):
    shared |= set((_PAGES / name).read_text().splitlines())
  assert {line for line in lines & shared if len(line) > 12} == set()
