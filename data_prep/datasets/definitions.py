"""All datasets that data_prep.prepare_records knows."""

from . import audioset
from . import esc50
from . import hmdb51
from . import howto100m
from . import kinetics
from . import msrvtt
from . import ucf101
from . import voc2007
from . import youcook2

BY_NAME = {
  module.DEFINITION.name: module.DEFINITION
  for module in (
    audioset,
    esc50,
    hmdb51,
    howto100m,
    kinetics,
    msrvtt,
    ucf101,
    voc2007,
    youcook2,
  )
}
