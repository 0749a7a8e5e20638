"""Faults of exports, and what is meant to do harm."""

from tests.reliability import row

EXPORTS = (
  row.Row(
    "F1",
    "Requests of other ranks, lengths and sizes",
    "refused with the expected value",
    row.tests_of(
      "export",
      module="malformed_video_is_refused_by_name"
      " malformed_bytes_are_refused_by_name malformed_sound_is_refused_by_name",
      module_mmv="malformed_text_is_refused_by_name"
      " malformed_images_are_refused_by_name",
    ),
  ),
  row.Row(
    "F2",
    "Tensors of another dtype",
    "refused",
    row.tests_of("export", module="tensors_of_another_dtype_are_refused"),
  ),
  row.Row(
    "F3",
    "Pixels from 0 to 255 where 0 to 1 is asked for",
    "refused",
    row.tests_of("export", module="malformed_video_is_refused_by_name"),
  ),
  row.Row(
    "F4",
    "NaN and infinity in a request",
    "refused, before the range is judged",
    row.tests_of(
      "export",
      module="malformed_video_is_refused_by_name"
      " malformed_sound_is_refused_by_name",
    ),
  ),
  row.Row(
    "F5",
    "An empty batch",
    "no rows",
    row.tests_of("export", module="empty_batch_gives_no_rows"),
  ),
  row.Row(
    "F6",
    "A request above the limit",
    "refused with the limit",
    row.tests_of(
      "export",
      module="request_limit_must_allow_a_clip"
      " malformed_video_is_refused_by_name",
    ),
  ),
  row.Row(
    "F7",
    "Requests of eight threads at once, batches of other sizes",
    "the same answers",
    row.tests_of(
      "export",
      module="parallel_requests_get_the_same_answers"
      " clip_has_one_embedding_in_any_batch",
    ),
  ),
  row.Row(
    "F8",
    "An export with a changed, lost or foreign file",
    "named before it is loaded",
    row.tests_of(
      "export",
      command="changed_file_is_found_before_loading"
      " other_folders_are_no_export",
      writer="reloaded_model_gives_the_means",
    ),
  ),
  row.Row(
    "F9",
    "An export to a folder that is there; one that fails",
    "nothing is overwritten, nothing half written is left",
    row.tests_of(
      "export",
      command="existing_output_is_not_overwritten"
      " export_leaves_nothing_beside_it network_that_gives_nan_is_not_exported",
    ),
  ),
)

HOSTILE = (
  row.Row(
    "G1",
    "Published weights whose pickle calls a function",
    "refused by name; nothing runs",
    row.tests_of(
      "import_weights",
      restricted_pickle="a_call_is_refused_by_name"
      " an_endless_program_is_refused random_damage_is_refused_or_read"
      " every_cut_is_refused",
      published_file="a_larger_file_is_refused_before_it_is_parsed",
    ),
  ),
  row.Row(
    "G2",
    "A config file that names other classes, or nests deeply",
    "refused in one line (configs are JSON, not YAML)",
    row.tests_of(
      "config",
      experiment="class_outside_the_package_is_not_constructed"
      " deeply_nested_file_is_one_error unknown_field_is_named",
    ),
  ),
  row.Row(
    "G3",
    "Archives",
    "nothing",
    (),
    "does not apply: no command reads archives; an index and a classifier,"
    " which are zip files of arrays, are never unpacked to the disk (see G5)",
  ),
  row.Row(
    "G4",
    "Exports that read, write, run Python or load tables of other files",
    "refused before they are loaded, unless they are trusted",
    row.tests_of(
      "export",
      graph_check="what_does_more_than_compute_is_named"
      " table_of_a_file_is_refused"
      " functions_of_the_saver_are_for_the_saver_alone"
      " embed_loads_it_only_when_it_is_trusted exports_pass",
    ),
  ),
  row.Row(
    "G5",
    "Forged lengths in records, forged shapes and compression in an index"
    " and a classifier",
    "refused before memory is taken",
    row.tests_of(
      "data/records",
      reader="forged_length_of_any_record_never_reaches_tensorflow",
    )
    + row.tests_of(
      "search",
      index="compressed_index_is_not_unpacked forged_shape_takes_no_memory",
    )
    + row.tests_of(
      "evaluate/classifiers",
      saved="compressed_arrays_are_not_unpacked"
      " what_is_no_classifier_is_refused",
    ),
  ),
  row.Row(
    "G6",
    "File names as options, protocols, patterns and shell words",
    "as A9 and A10",
    row.tests_of(
      "data/media",
      ffmpeg="path_is_no_option_and_no_protocol"
      " playlist_that_calls_itself_a_film_opens_nothing",
    )
    + row.tests_of(
      "data_prep", torture="no_name_is_run_by_a_shell_and_no_traceback"
    ),
  ),
  row.Row(
    "G7",
    "Ids and names with control characters and HTML",
    "escaped on the console and on every page",
    row.tests_of(
      "runtime",
      terminal="names_show_what_a_terminal_would_obey"
      " every_line_of_a_command_is_printable",
    )
    + row.tests_of("search", page="everything_from_outside_is_escaped")
    + row.tests_of(
      "data_prep", inspect_records="report_shows_every_view_and_escapes_ids"
    ),
  ),
  row.Row(
    "G8",
    "Paths of this machine in exports and records",
    "none",
    row.tests_of("export", command="export_holds_no_absolute_path"),
  ),
)
