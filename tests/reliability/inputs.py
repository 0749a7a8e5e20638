"""Faults of a preparation, of records and of views."""

from tests.reliability import row

PREPARATION = (
  row.Row(
    "A1",
    "Videos of random bytes, text, no byte at all, or with flipped bits",
    "quarantined with a reason; the others become records",
    row.tests_of(
      "data_prep",
      torture="every_file_is_written_or_quarantined_with_its_reason",
      shared_data="awkward_file all_of_the_set",
    )
    + row.tests_of(
      "data/media", streams="what_counts_as_damage refused_formats"
    ),
  ),
  row.Row(
    "A2",
    "Videos and sound cut in half: MP4 with its index at either end, MKV, AVI",
    "quarantined as truncated, with the frames that were decoded",
    row.tests_of(
      "data/media",
      streams="truncated_file_is_named_with_its_frames truncated_sound",
      ffmpeg="file_that_ends_early_is_truncated",
      claims="lengths_that_are_not_there_are_truncated",
    ),
  ),
  row.Row(
    "A3",
    "Files without a picture, without a stream that is asked for",
    "quarantined by the name of what is missing",
    row.tests_of("data/media", streams="missing_streams_have_names")
    + row.tests_of(
      "data_prep/prepare_records",
      estimate="sound_without_the_pictures_that_are_asked_for_is_nothing",
    ),
  ),
  row.Row(
    "A4",
    "Videos without sound",
    "no sound in the record, and no zeros that pass for it",
    row.tests_of(
      "data_prep/prepare_records",
      encode_clip="sound_is_absent_where_the_file_has_none",
    )
    + row.tests_of(
      "data", clip_views="clip_without_sound_has_zeros_and_a_mask_of_0"
    ),
  ),
  row.Row(
    "A5",
    "Sound that starts late or ends early; a click beside a flash",
    "in its place by its stamps; what lacks is silence and noted",
    row.tests_of(
      "data/media",
      streams="click_and_flash_stay_together late_sound_begins_with_zeros",
      stretch="pictures_and_sound_of_a_stretch_stay_together",
    )
    + row.tests_of(
      "data_prep/prepare_records",
      encode_clip="short_sound_is_filled_up_and_noted",
    ),
  ),
  row.Row(
    "A6",
    "A variable frame rate",
    "the picture of its time, to half a frame",
    row.tests_of(
      "data/media",
      streams="variable_frame_rate_shows_the_picture_of_the_time"
      " frame_rate_is_changed_by_time",
    ),
  ),
  row.Row(
    "A7",
    "Videos and pictures that say they are rotated",
    "rotated once",
    row.tests_of("data/media", streams="rotation_is_honoured_once")
    + row.tests_of(
      "data_prep/prepare_records", still_picture="orientation_is_honoured"
    ),
  ),
  row.Row(
    "A8",
    "Frames of 16384 by 8192 in a small file; pictures that become too large",
    "refused before they are decoded",
    row.tests_of("data/media", streams="pixel_cap_before_and_after_scaling")
    + row.tests_of(
      "data_prep/prepare_records",
      still_picture="pictures_that_are_or_become_too_large",
    ),
  ),
  row.Row(
    "A9",
    "Names with blanks, quotes, line feeds, `$(...)`, `%03d`, `x:y`, a dash",
    "read as what they are; no shell runs",
    row.tests_of(
      "data_prep", torture="no_name_is_run_by_a_shell_and_no_traceback"
    )
    + row.tests_of("data/media", ffmpeg="path_is_no_option_and_no_protocol"),
  ),
  row.Row(
    "A10",
    "Play lists that call themselves films",
    "refused; no other file is opened",
    row.tests_of(
      "data/media",
      ffmpeg="playlist_that_calls_itself_a_film_opens_nothing",
      streams="refused_formats",
    ),
  ),
  row.Row(
    "A11",
    "Rows and links that lead out of the folder",
    "refused by line or name",
    row.tests_of(
      "data_prep/prepare_records",
      sources="links_out_of_the_folder_are_refused_and_inside_are_not"
      " every_bad_row_is_listed_with_its_line",
    )
    + row.tests_of(
      "data_prep/datasets",
      official="names_of_entries_cannot_leave_the_folder"
      " link_out_of_the_folder_is_refused",
    ),
  ),
  row.Row(
    "A12",
    "A csv with missing columns, bad labels, duplicates, bad times, no UTF-8",
    "every bad row with its line before anything is decoded; exit code 3",
    row.tests_of(
      "data_prep/prepare_records",
      sources="every_bad_row_is_listed_with_its_line"
      " of_very_many_bad_rows_all_are_listed csv_that_cannot_be_read"
      " csv_that_is_not_utf8 checking_ten_thousand_rows_takes_a_second",
      command="bad_csv_is_exit_3_and_nothing_is_written",
    ),
  ),
  row.Row(
    "A13",
    "Equal ids; equal content under two names",
    "an equal id is a bad row; copies share a split and are said",
    row.tests_of(
      "data_prep/prepare_records",
      sources="every_bad_row_is_listed_with_its_line"
      " files_of_equal_content_share_a_key",
      splits="pieces_of_a_file_and_copies_share_a_split",
      command="copy_is_reported_and_shares_the_split",
    ),
  ),
  row.Row(
    "A14",
    "A disk that is full in the middle of a shard",
    "exit code 6, nothing half written, and the next run goes on",
    row.tests_of(
      "data_prep",
      interruption="full_disk_is_exit_6_and_the_rerun_is_clean"
      " disk_too_full_for_one_clip_is_exit_6",
    )
    + row.tests_of(
      "data_prep/prepare_records",
      worker_pool="full_disk_stops_everything",
    ),
  ),
  row.Row(
    "A15",
    "The preparation killed at random places and started again",
    "byte for byte what an uninterrupted one writes",
    row.tests_of(
      "data_prep", interruption="kill_and_rerun_gives_the_same_bytes"
    ),
  ),
  row.Row(
    "A16",
    "A worker that dies, once or at each try",
    "only that clip is lost, after a second try",
    row.tests_of(
      "data_prep/prepare_records",
      worker_pool="dead_worker_loses_only_its_task"
      " task_that_kills_its_worker_once_is_done_on_the_second_try",
    )
    + row.tests_of("data_prep", interruption="killed_worker_loses_no_clip"),
  ),
  row.Row(
    "A17",
    "An input that gives nothing, a decoder that does not end",
    "`timeout`, and the process is gone",
    row.tests_of(
      "data/media",
      ffmpeg="file_that_gives_nothing_is_a_timeout_and_its_process_dies"
      " process_that_does_not_end_is_a_timeout",
    )
    + row.tests_of(
      "data_prep/prepare_records",
      worker_pool="silent_worker_is_killed_and_a_beating_one_is_not",
    ),
  ),
  row.Row(
    "A18",
    "One worker and two, and another order of the folder",
    "the same bytes",
    row.tests_of(
      "data_prep",
      interruption="two_workers_and_another_folder_order_give_the_same_bytes",
    ),
  ),
  row.Row(
    "A19",
    "Two preparations of one output at once",
    "the second ends with 2 at once; a dead one's lock holds nobody",
    row.tests_of(
      "data_prep",
      interruption="second_run_on_the_same_output_is_exit_2_at_once",
    )
    + row.tests_of(
      "runtime", storage="lock_keeps_out_another_process_until_it_ends"
    ),
  ),
)

RECORDS = (
  row.Row(
    "B1",
    "Bits flipped in lengths, payloads and checksums of a shard",
    "found, with shard, record and offset; no wrong record is read",
    row.tests_of(
      "data/records",
      check="every_bit_flip_is_found damaged_payload_hides_no_later_record",
      damage="damaged_record_is_named_with_shard_number_and_offset",
    ),
  ),
  row.Row(
    "B2",
    "A shard cut at every length",
    "found, by its size, its headers or its checksums",
    row.tests_of(
      "data/records",
      check="every_truncation_is_found",
      reader="shard_of_another_size",
      damage="shard_that_was_cut_at_a_record_after_the_start_is_an_error",
    ),
  ),
  row.Row(
    "B3",
    "Shards that are missing, empty, renamed, folders, or too many",
    "refused before the first step, all in one line",
    row.tests_of(
      "data/records",
      reader="missing_shard renamed_shard extra_shard empty_shard"
      " shard_that_is_a_directory all_differences_are_in_one_message",
    ),
  ),
  row.Row(
    "B4",
    "A shard that is compressed",
    "named as such",
    row.tests_of(
      "data/records",
      reader="compressed_shard",
      shard_files="compressed_file_is_named",
    ),
  ),
  row.Row(
    "B5",
    "Records that lack what a view needs",
    "counted and named; without any usable clip an error with the remedy",
    row.tests_of(
      "data/records",
      reader="clips_without_sound_are_counted_and_named"
      " no_usable_clip_is_an_error no_clip_with_what_is_optional_is_an_error",
    ),
  ),
  row.Row(
    "B6",
    "Another schema version, features of other kinds",
    "refused with the version or the feature",
    row.tests_of(
      "data/records",
      reader="other_schema_version_in_the_manifest"
      " records_of_another_schema_version manifest_of_wrong_kinds_is_refused",
      check="well_formed_records_of_wrong_kinds_are_listed",
    ),
  ),
  row.Row(
    "B7",
    "Shards of two preparations in one folder; other settings on one output",
    "refused by the names that differ",
    row.tests_of("data/records", reader="shard_of_another_preparation")
    + row.tests_of(
      "data_prep",
      interruption="other_settings_on_the_same_output_are_named",
    ),
  ),
  row.Row(
    "B8",
    "Records of bytes that are no record",
    "named, with shard and number",
    row.tests_of(
      "data/records",
      check="garbage_payload_is_no_example",
      reader="record_that_is_no_example shard_of_something_else",
    ),
  ),
  row.Row(
    "B9",
    "Lengths forged with a right checksum: 2^40 bytes in any record",
    "refused when the folder is opened; TensorFlow never sees them",
    row.tests_of(
      "data/records",
      reader="forged_length_of_any_record_never_reaches_tensorflow",
      check="forged_length_is_refused_without_reading_it",
      shard_files="length_that_would_fill_the_memory_is_not_read",
    ),
  ),
  row.Row(
    "B10",
    "JPEG and PNG that claim 4000 to 65500 pixels a side",
    "refused before they are decoded",
    row.tests_of(
      "data",
      decode="jpeg_that_claims_too_many_pixels_is_not_decoded"
      " pixel_cap_holds_inside_a_graph",
      flow_images="png_that_claims_too_many_pixels_is_not_decoded",
    )
    + row.tests_of(
      "data/records",
      damage="picture_with_a_forged_size_is_named_and_not_decoded",
    ),
  ),
  row.Row(
    "B11",
    "Half a JPEG in a whole record",
    "an error that names shard and record",
    row.tests_of("data", decode="half_a_jpeg_is_an_error")
    + row.tests_of(
      "data/records",
      check="half_a_jpeg_is_found",
      damage="picture_that_only_decoding_finds_broken_is_named",
    ),
  ),
)

VIEWS = (
  row.Row(
    "C1",
    "Clips that are shorter than a view",
    "they loop, as in the papers",
    row.tests_of(
      "data",
      windows="narrow_view_of_a_short_clip_starts_at_its_beginning"
      " frames_past_the_end_loop sound_loops_where_the_frames_do",
    ),
  ),
  row.Row(
    "C2",
    "Digital silence",
    "finite views, loss and gradients",
    row.tests_of("data", clip_views="silence_gives_zeros")
    + row.tests_of("methods/parts", losses="zero_vectors_give_numbers")
    + row.tests_of("train", run="run_on_silent_clips_says_that_it_collapsed"),
  ),
  row.Row(
    "C3",
    "NaN in a packed spectrogram",
    "found by the check of records; a loss of NaN stops the run",
    row.tests_of("data/records", check="damaged_spectrogram_is_found")
    + row.tests_of("train", run="infinite_loss_ends_with_the_step_and_exit_5"),
  ),
  row.Row(
    "C4",
    "One bad record among many",
    "stop with its name; or, where asked for, exactly it is left out and told",
    row.tests_of(
      "data/records",
      damage="damaged_record_is_named_with_shard_number_and_offset",
    )
    + row.tests_of(
      "data/records", bad_records="exactly_the_bad_ones_are_left_out"
    )
    + row.tests_of(
      "train",
      left_out="what_is_left_out_is_said_and_noted"
      " more_than_the_share_is_refused run_that_goes_on_leaves_out_the_same",
    ),
  ),
  row.Row(
    "C5",
    "Nothing that can be used",
    "an error at once, with the reasons",
    row.tests_of("data/records", reader="no_usable_clip_is_an_error")
    + row.tests_of(
      "data_prep", torture="no_clip_at_all_is_exit_3_with_the_reasons"
    ),
  ),
  row.Row(
    "C6",
    "Other states of TensorFlow's generators; a restart at any position",
    "the same order, the same views",
    row.tests_of(
      "data",
      pipeline="same_order_twice_whatever_tf_random_holds"
      " restart_anywhere_continues_exactly"
      " restart_gives_the_same_views_bit_by_bit",
    ),
  ),
  row.Row(
    "C7",
    "Fewer shards than hosts",
    "an error with the number of shards that is needed",
    row.tests_of("data/records", reader="fewer_shards_than_hosts_is_an_error")
    + row.tests_of("data", pipeline="more_hosts_than_shards_is_an_error"),
  ),
  row.Row(
    "C8",
    "Pictures and sound read side by side",
    "always of one clip",
    row.tests_of("data", pipeline="pictures_and_sound_are_of_the_same_clip"),
  ),
)
