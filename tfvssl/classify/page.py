"""What a classification gave as a page: the files of every label."""

from collections.abc import Sequence
import html
import os
import pathlib
import urllib.parse

import numpy as np

from tfvssl.pages import template
from tfvssl.runtime import storage
from tfvssl.runtime import terminal

_TEMPLATE = storage.Path(__file__).with_name("page_template.html")


def html_of(
  classes: Sequence[str],
  rows: Sequence[tuple[str, pathlib.Path, np.ndarray]],
  place: storage.Path,
) -> str:
  """Returns the page; a label's files with the highest scores come first.

  Args:
    classes: names of the labels.
    rows: path as text, file and scores of every video.
    place: where the page will be, for its links.
  """
  labels = np.array([int(np.argmax(scores)) for _, _, scores in rows])
  sections = []
  for label, name in enumerate(classes):
    members = [rows[i] for i in np.flatnonzero(labels == label)]
    members.sort(key=lambda row: -row[2][label])
    lines = "".join(_line(row, classes, place) for row in members)
    sections.append(
      f"<h2>{_text(name)} <small>{len(members)}</small></h2>"
      f"<table><tr><th>file</th><th>score</th><th>next best</th></tr>"
      f"{lines}</table>"
    )
  return template.fill(
    _TEMPLATE,
    {
      "title": f"{len(rows)} videos by their labels",
      "sections": "\n".join(sections),
    },
  )


def _line(row, classes, place):
  name, file, scores = row
  best, *others = np.argsort(-scores, kind="stable")
  second = ""
  if others:
    second = f"{_text(classes[others[0]])} {scores[others[0]]:.3f}"
  return (
    f'<tr><td><a href="{_link(file, place)}">{_text(name)}</a></td>'
    f"<td>{scores[best]:.3f}</td><td>{second}</td></tr>"
  )


def _link(file, place):
  relative = os.path.relpath(
    os.path.realpath(file), os.path.realpath(place.parent)
  )
  return html.escape(urllib.parse.quote(os.fsencode(relative)))


def _text(value):
  return html.escape(terminal.printable(value))
