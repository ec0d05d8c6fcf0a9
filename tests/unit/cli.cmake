weir_test(cli_test
  SOURCES cli_arguments_test.cc cli_dead_letter_text_test.cc cli_job_command_test.cc cli_json_test.cc cli_line_reader_test.cc cli_listing_test.cc
          cli_record_printer_test.cc cli_top_view_test.cc
  DEPS weir_cli)
weir_test(bench_test
  SOURCES cli_bench_runner_test.cc cli_broker_output_test.cc cli_histogram_test.cc cli_metrics_page_test.cc
          cli_ownership_test.cc
  DEPS weir_bench)
weir_test(log_inspect_test
  SOURCES cli_log_inspect_test.cc
  DEPS weir_log_inspect weir_test_log)
