"""The kinds of tests, as markers: what a test needs beside its own process, and when it runs.

What it needs:

`browser`     Chromium or Firefox
`cluster`     several nodes, often broken on purpose
`processes`   another process: a server, a client in another language, PostgreSQL

A test without any of them is *in-process*; `make check` runs those. A test of the gate that starts a process without
such a marker fails, also in `make test`, so the list below cannot fall behind.

When it runs: `make test`, the gate that each change has to pass, runs the tests without these two:

`everything`  the rest of each matrix, most tests of the web client, faults, fuzz: `make everything` runs all tests
              but those with the next marker
`measure`     tests that assert time, processor time or memory, and so depend on what else the machine does:
              `make measure` runs them alone, one after the other

Where time is short, the gate's test files are run in *shards*: `make test SHARD=2/5` runs one file of five, and what
`EACH_SHARD` names. The shards of a commit together run all tests of the gate.

A *place* in these tables is a folder or file below `tests`, one test of a file (`file.py::test_name`, or
`file.mjs::words-of-its-title`), or those tests of either whose parameters contain a text (`folder[parameter]`).
"""

from __future__ import annotations

import re
import subprocess
import zlib
from functools import cache, wraps
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from tests import forked_talkwire

TESTS = Path(__file__).parent
_PRODUCT = str(TESTS.parent / "src")
"""Talkwire itself reads pictures in a process; that is no other program to test with."""

NEEDS = {
    "browser": ("page", "previews/test_in_a_browser.py"),
    "cluster": ("cluster", "torture", "faults", "openid/test_nodes.py", "webhooks/test_kills.py"),
    "processes": (
        *(
            "chat",
            "cli",
            "clients",
            "clients_python",
            "deployment",
            "edge",
            "hostile",
            "letting_go",
            "openid/test_nodes.py",
            "openid/test_sign_in.py",
            "packaging",
            "protocol",
        ),
        *("reference", "bus/test_redis_client.py", "bus/test_shared_limits.py", "embedding/test_examples.py"),
        "callbacks/test_express_example.py",
        *(
            "embedding/test_running.py",
            "embedding/test_sharing_the_port.py",
            "files/test_images.py",
            "files/test_partials.py",
            "previews/test_page_readers.py",
        ),
        *("storage/test_lineage.py", "test_datafolder.py", "test_demo.py", "test_forked_talkwire.py"),
        *("tools/test_check_node.py", "tools/test_commands.py", "tools/test_in_plain_path.py", "tools/test_rerun.py"),
    ),
}
"""Places by what their tests need. A whole folder or file each, since `is_left_out` imports none of its tests."""

EVERYTHING = (
    # One real browser meets each part of the web client in the gate; IN_THE_GATE has these tests.
    *("page", "console", "previews/test_in_a_browser.py"),
    # Several nodes, kills and restarts. The gate has one test for each way in which nodes depend on each other.
    *("cluster", "faults", "torture/test_short_campaign.py", "webhooks/test_kills.py", "openid/test_nodes.py"),
    *("torture/test_stream_kills.py", "torture/test_card_kills.py", "torture/test_turn_kills.py"),
    *("chat/test_growing_up.py", "chat/test_upgrade.py", "chat/test_readiness.py", "chat/test_drain.py"),
    *("cli/test_workers.py", "cli/test_worker_restart.py", "cli/history_import", "cli/test_load.py"),
    *("cli/test_check_and_serve.py", "cli/test_check_and_serve_settings.py", "cli/test_check_and_serve_services.py"),
    *("clients/test_event_receivers.py", "clients/test_talkwire_client.py", "clients_python/test_restarts.py"),
    "clients/test_react_native.py",
    # Random and hostile input.
    *("hostile/test_fuzz_sqlite.py", "hostile/test_fuzz_postgresql.py", "hostile/test_fuzz_with_limits.py"),
    "test_text_work.py::test_all_pairs_of_signs_are_read",
    *("chat/test_fuzz.py", "reference/test_openapi.py::test_every_response_is_declared_and_no_request_fails"),
    # The other half of matrices whose first half is in the gate.
    *("contracts[postgresql]", "storage[postgresql]", "protocol[passed on]", "clients[4.5.4]", "clients[uvicorn]"),
    *("contracts/test_conversation_lists.py[operator-", "contracts/test_conversation_lists.py[mallory-"),
    "clients/test_dialect_examples.py[/gateway]",
    # Second looks at what another test of the same file finds too.
    "clients/test_nestjs_example.py::test_clients_of_the_gateway_and_of_talkwire_show_the_same",
    *(
        "contracts/test_conversation_notify.py[direct]",
        "contracts/test_listed.py[carol]",
        "contracts/test_listed.py[dave]",
    ),
    *("contracts/test_stream_approvals.py[a stop]", "contracts/test_stream_approvals.py[a mute]"),
    *("contracts/test_stream_stops.py[banned", "contracts/test_stream_stops.py[left]"),
    *("embedding/test_custom_events.py[talks]", "embedding/test_custom_events.py[crm]"),
    *("embedding/test_hooks.py[/talks-message", "embedding/test_hooks.py[/chat-sendMessage"),
    *("push/test_web_push.py[preferences-body1]", "push/test_web_push.py[preferences-body2]"),
    *("realtime/test_websocket.py[half_a_message]", "realtime/test_websocket.py[half_a_frame]"),
    *("realtime/test_websocket.py[half_a_binary_packet]", "realtime/test_websocket.py[a_broken_frame]"),
    "realtime/test_unread.py::test_a_refused_upgrade_behind_an_answer_that_is_not_read_ends",
    "realtime/test_unread.py::test_an_upgrade_that_is_spared_behind_an_answer_that_is_not_read_ends",
    "realtime/test_unread.py::test_a_client_that_stops_shortly_before_the_end_of_the_last_answer_is_cut_off",
    "cli/test_serve.py::test_commands_go_through_the_server_whatever_names_its_file[--database",
    "chat/dialects/test_streams.py::test_a_user_without_a_socket_misses_one_message",
    *("previews/test_previews.py[content_type", "previews/test_previews.py[location"),
    *("previews/test_previews.py[charset=", "previews/test_previews.py[picture.jpg?"),
    "webhooks/test_delivery.py::test_an_endpoint_that_is_down_costs_a_bounded_number_of_rows_and_loses_nothing[sqlite]",
    *("cli/test_serve.py[--data_link]", "cli/test_serve.py[--data_other_--database_sqlite:///data/talkwire.db]"),
    *(
        "cli/test_serve.py::test_a_server_prints_its_url_and_a_signal_ends_it[2]",
        "embedding/test_examples.py[litestar]",
    ),
    *("cli/test_extras.py[redis]", "cli/test_extras.py[s3]", "cli/test_extras.py[otlp]"),
    *("clients/test_shop_notifications.py[_nestjs]", "clients/test_shop_notifications.py[_django_shop]"),
    *("chat/test_access.py", "chat/test_access_ids.py", "chat/test_recovery_restart.py[postgresql]"),
    *("deployment/test_apache.py", "deployment/test_nginx.py", "deployment[nginx]", "deployment[haproxy]"),
    "deployment[apache]",
    *("chat/test_recovery_property.py[log]", "chat/test_recovery_property.py[moves]"),
    # These wait for seconds: for a limit, a token's end, a process that hangs.
    "deployment/test_streamed_bodies.py::test_a_body_may_take_ten_minutes",
    "deployment/test_streamed_bodies.py::test_a_body_is_passed_on_as_it_arrives_for_longer_than_time_outs",
    "clients_python/test_turns.py::test_the_lease_of_a_slow_answer_is_renewed",
    "clients/test_turns_client.py::test_a_turn_is_kept_and_stops_when_somebody_asks",
    "clients/test_turns_client.py::test_a_program_without_network_loses_its_turn_and_another_continues_its_message",
    "chat/test_streamed_bodies.py::test_bytes_that_write_nothing_renew_the_lease",
    "chat/test_streamed_bodies.py::test_the_end_of_a_sign_in_ends_its_requests",
    "chat/test_streamed_bodies.py::test_a_server_that_stops_asks_for_the_request_again",
    *("edge/test_deadlines.py", "chat/test_typing.py::test_typing_ends_when_the_socket_disconnects"),
    "chat/test_typing.py::test_typing_ends_when_the_typist_is_removed",
    "chat/test_traces.py::test_a_collector_that_is_away_holds_nothing_up",
    "clients/test_documented_examples.py::test_a_client_that_renews_its_token_stays_for_longer_than_one",
    "clients/test_documented_examples.py::test_a_client_survives_a_token_route_that_fails_twice",
    "hostile/test_attacks_on_http.py::test_the_rest_of_a_request_must_arrive_in_time",
    "protocol/test_engine_protocol.py::test_a_client_that_never_completes_its_upgrade_keeps_polling",
    "protocol/test_socket_protocol.py::test_the_server_closes_a_client_that_only_tried_an_unknown_namespace",
    "realtime/test_unread.py::test_a_client_that_reads_slowly_and_steadily_gets_everything",
    "bus/test_contract.py::test_a_bus_is_disconnected_while_its_server_fails[paused]",
    "bus/test_contract.py::test_the_queue_for_a_failing_server_is_bounded[paused]",
    "bus/test_contract.py::test_a_subscription_that_receives_nothing_is_renewed",
    "chat/dialects/test_gateway_missed.py::test_arrived_messages_are_not_delivered_again",
    "chat/dialects/test_gateway_missed.py::test_a_slow_client_gets_all_stored_events",
    "chat/dialects/test_gateway_missed.py::test_messages_delivered_by_recovery_count_as_arrived",
    "chat/dialects/test_gateway_missed.py::test_stored_events_that_arrived_are_not_sent_again",
    "chat/dialects/test_gateway_rooms.py::test_messages_received_in_a_room_are_not_missed",
    "chat/test_calls.py::test_a_call_that_nobody_answers_ends_by_itself",
    "chat/test_event_stream.py::test_a_stream_ends_when_its_token_expires",
    "chat/test_event_stream.py::test_a_stream_that_is_not_read_is_cut_off",
    "chat/test_files.py::test_an_upload_that_sends_while_the_server_stops_is_answered",
    "clients/test_desk_client.py::test_typing_and_signals_of_unlisted_conversations_arrive_while_they_are_followed",
    "clients/test_desk_client.py::test_a_note_is_written_from_the_desk",
    "clients/test_stream_client.py::test_an_author_continues_after_an_interruption_and_another_one_after_a_restart",
    "clients/test_python_client.py::test_the_client_stays_connected_over_many_heartbeats",
    *("clients/test_renewal.py[oldest]", "clients/test_renewal.py[python-socketio]"),
    "clients/test_readme.py::test_the_example_lives_through_two_expiries_and_shows_what_changes",
    "contracts/test_notifications_between_nodes.py::test_another_nodes_users_wait_until_its_position_is_known",
    "edge/test_heads.py::test_an_answer_that_comes_before_the_end_of_a_body_ends_what_is_read_of_it",
    "embedding/test_token_expiry.py::test_a_request_without_an_end_does_not_keep_the_connection_open",
    "push/test_retries.py[413 Payload Too Large]",
    # Long ways to what another test of the gate ends with.
    "contracts/test_conversation_notify.py[channel]",
    "contracts/test_stream_moves.py[_copy]",
    *("embedding/test_examples.py[django]", "contracts/test_erasure_property.py"),
    "clients/test_javascript_packages.py[bundler]",
    "cli/test_parser.py::test_help_is_printed_without_a_locale",
    "clients/test_receivers.py::test_receivers_have_what_the_server_has_after_everything",
    "cli/test_copying.py::test_a_server_on_postgresql_is_noticed",
    # What is built and installed.
    *("packaging/test_wheel.py", "packaging/test_python_client.py", "packaging/test_odd_folder.py"),
    "packaging/test_metro.py",
    "packaging/test_guides.py::test_the_commands_of_a_guide_install_what_a_clone_builds",
    "packaging/test_guides.py::test_an_example_installs_what_a_clone_builds",
    "reference/test_generated_clients.py",
    "clients/test_javascript_packages.py::test_the_api_documentation_has_all_public_types",
    "tools/test_commands.py::test_the_tests_of_make_check_are_collected",
    "embedding/test_django.py",
)
"""Places of tests that only `make everything` runs, but for those of IN_THE_GATE."""

IN_THE_GATE = (
    # One journey through each part of the web client, and what needs no browser.
    "page/test_accessibility.mjs::screen-readers-announce-new-messages",
    "page/test_admin_console.mjs::every-section-shows-what-the-server-has-and-passes-axe-on-a-wide-screen",
    "page/test_calls.mjs::two-talk-see-each-other-and-hang-up",
    "page/test_examples.mjs::pages-load-the-client-from-the-server",
    "page/test_composing.mjs::mentions-are-completed-and-stand-out",
    "page/test_connection.mjs::the-page-reconnects-and-loses-and-doubles-nothing",
    "page/test_desk.mjs::a-customer-is-served-by-one-colleague-after-the-other",
    "page/test_embedding_examples.mjs::a-customer-asks-on-the-page-of-the-tutorials-shop-and-is-answered",
    "page/test_django_tutorial.py::test_the_scripts_are_those_of_the_express_shop",
    "page/test_django_tutorial.py::test_the_page_shows_all_files_of_the_example",
    "page/test_django_tutorial.py::test_the_page_gives_the_commands_that_run_here",
    "page/test_embedding.mjs::a-listed-page-shows-the-chat-in-a-frame",
    "page/test_embedding_examples.mjs::a-customer-who-has-left-the-express-example-is-pushed-the-answer",
    "page/test_embedding_examples.py::test_the_page_shows_the_example_as_it_is",
    "page/test_examples.mjs::two-people-talk-on-a-page-of-the-crm-dialect-with-the-newest-official-client",
    "page/test_fastapi_example.py::test_the_page_shows_the_files_of_the_example",
    "page/test_files.mjs::files-are-sent-looked-at-and-saved",
    "page/test_invitations.mjs::a-link-leads-from-its-making-into-the-conversation",
    "page/test_layout.mjs::the-page-fits-a-narrow-screen-and-works-by-keyboard",
    "page/test_long_texts.mjs::the-rest-of-a-long-text-comes-when-it-is-asked-for",
    "page/test_menus_and_lists.mjs::a-message-has-a-menu-by-right-click-and-by-key",
    "page/test_offers.mjs::two-bargain",
    "page/test_openid.mjs::a-person-signs-in-at-the-provider-and-comes-back-to-the-conversation",
    "page/test_phone.mjs::a-finger-hits-what-it-aims-at",
    "page/test_places.mjs::a-public-channel-is-joined-and-only-those-who-run-it-write",
    "page/test_push.mjs::pushes-are-shown-clicked-dismissed-and-ended",
    "page/test_reporting.mjs::a-message-is-reported-with-a-reason-and-a-note",
    "page/test_safety.mjs::markup-in-messages-and-names-is-shown-as-text",
    "page/test_search.mjs::messages-are-found-here-and-everywhere",
    "page/test_settings.mjs::a-theme-holds-in-all-tabs-and-from-the-first-paint-on",
    "page/test_speed.mjs::the-first-page-loads-little-and-stands-still",
    "page/test_streams.mjs::an-answer-grows-with-its-parts-is-stopped-and-is-announced-once",
    "page/test_talking.mjs::two-users-talk",
    "page/test_threads.mjs::two-users-talk-in-a-thread",
    # Nodes.
    "cluster/test_reaching.py[with Valkey]",
    "cluster/test_news.py::test_messages_and_typing_reach_members_on_other_nodes",
    "cluster/test_news.py::test_a_ban_acts_on_every_node[with Valkey]",
    "cluster/test_news.py::test_a_node_without_its_valkey_follows_the_log_and_reports_it",
    "cluster/test_desk.py::test_of_two_sockets_that_claim_at_once_on_two_nodes_one_has_it",
    "cluster/test_streams.py::test_what_is_stored_survives_the_home_and_the_author_goes_on",
    "cluster/test_files.py::test_a_file_is_read_at_any_node_as_at_its_own",
    "cluster/test_files.py::test_the_official_client_uploads_over_a_load_balancer_without_affinity",
    "cluster/test_limits.py::test_a_user_who_sends_at_both_nodes_is_limited_in_sum",
    "cluster/test_recovery.py::test_a_socket_is_recovered_at_once_when_its_node_was_killed",
    "cluster/test_sessions.py[newest]",
    "cluster/test_hostile_bus.py::test_a_database_that_was_made_from_another_has_a_bus_of_its_own",
    # Kills and restarts.
    "torture/test_stream_kills.py::test_a_stream_survives_its_author_and_its_server",
    "torture/test_card_kills.py::test_a_card_is_decided_once_and_a_poll_counts_all_votes_although_the_server_is_killed",
    "torture/test_turn_kills.py::test_each_message_is_answered_once_although_replicas_and_the_server_are_killed",
    "cluster/test_stream_stops.py::test_an_author_that_was_stopped_is_superseded_and_nothing_of_it_is_stored",
    "faults/test_kill.py",
    "faults/test_lost_commit.py::test_a_batch_whose_commit_lost_its_reply_is_acknowledged_and_stored_once",
    "chat/test_drain.py::test_pending_requests_are_answered",
    "cli/test_workers.py::test_every_worker_is_in_one_answer_of_the_metrics",
    "cli/test_check_and_serve_settings.py::test_every_setting_that_is_a_text_a_list_or_a_path_has_both_rows",
    "cli/test_check_and_serve_settings.py::test_what_check_says_ok_to_is_served",
    "cli/test_check_and_serve_settings.py[data /proc/data]",
    "cli/test_check_and_serve_settings.py[data ./data]",
    "cli/test_check_and_serve_settings.py[database sqlite:///missing]",
    "cli/test_check_and_serve_settings.py[files file/files]",
    "cli/test_check_and_serve_settings.py[host 203.0.113.7]",
    "cli/test_check_and_serve_settings.py[jwt_public_key key.pem]",
    "cli/test_check_and_serve_settings.py[web_logo missing.png]",
    # The commands, programs and configurations of the documentation: tests/reference/blocks/catalogue.py.
    "clients/test_event_receivers.py::test_the_commands_of_the_page_copy_the_chat",
    "deployment/test_apache.py::test_the_way_of_older_versions_passes_websockets_on",
    "deployment/test_behind_a_proxy.py::test_the_official_client_talks_over_each_transport",
    "deployment/test_pages.py",
    "packaging/test_wheel.py::test_the_commands_of_the_readme_build_install_and_start_the_server",
    "reference/test_generated_clients.py::test_a_typescript_client_sends_and_lists_a_message",
    # SQL of their own for PostgreSQL.
    *("contracts/test_log.py", "contracts/test_writer.py", "contracts/test_work.py", "contracts/test_followers.py"),
    *("contracts/test_search.py", "contracts/test_sync.py", "contracts/test_receipts.py", "contracts/test_erasure.py"),
    *("contracts/test_teams.py::test_memberships_follow_from_teams_whatever_happens", "contracts/test_claims.py"),
    *("contracts/test_retention.py", "contracts/test_log_watches.py", "contracts/test_calls_between_nodes.py"),
    *("contracts/test_presence_between_nodes.py", "contracts/test_reaching_between_nodes.py"),
    *("storage/test_pipeline.py", "storage/test_migrations.py", "storage/test_lineage.py", "storage/test_engine.py"),
    # Each route and event stands in the tables of who may do what.
    "chat/test_access.py::test_every_route_is_in_the_table",
    "chat/test_access.py::test_every_operation_is_in_the_tables",
    "chat/test_access_ids.py::test_every_second_id_of_a_route_has_a_slot",
    "chat/test_access_ids.py::test_every_second_id_of_an_event_has_a_slot",
)
"""Places in EVERYTHING whose tests `make test` runs nevertheless."""

MEASURE = (
    *("hostile/test_work_budget_http.py", "hostile/test_work_budget_rest.py", "hostile/test_work_budget_sockets.py"),
    *("hostile/test_work_budget_previews.py", "hostile/test_work_budget_openid.py"),
    *("hostile/test_attacks_on_memory.py", "hostile/test_worst_endpoints.py", "letting_go", "chat/test_costs.py"),
    *(
        f"hostile/test_fuzz_{kind}.py::{test}"
        for kind in ("sqlite", "postgresql", "with_limits")
        for test in ("test_another_client_is_answered_in_time_throughout", "test_memory_does_not_grow")
    ),
    "api/test_json_budget.py::test_the_check_takes_linear_time",
    "identity/test_jwks.py::test_decompressed_keys_over_the_limit_are_refused",
    "identity/test_jwks.py::test_an_address_that_never_answers_is_given_up",
    "identity/test_passwords.py::test_a_password_costs_the_loop_nothing_whatever_is_in_it",
    "identity/test_address.py::test_repeated_headers_cost_as_much_as_there_are",
    "test_logs.py::test_no_text_keeps_the_log_busy",
    "chat/test_typing.py::test_typing_ends_by_itself",
    "realtime/test_websocket.py::test_frames_that_come_at_once_are_handled_in_order_and_in_slices",
    "realtime/test_polling.py::test_a_large_body_is_handled_in_steps_and_costs_as_much_as_it_has_packets",
    "wire/test_socket_packet.py::test_no_packet_of_a_megabyte_takes_long",
    "wire/test_socket_packet.py::test_walking_for_placeholders_takes_no_longer",
    "previews/test_hostile_pages.py::test_reading_a_page_takes_time_in_proportion_to_its_size",
    "previews/test_hostile_pages.py::test_decoding_takes_time_in_proportion_to_the_size",
    "test_text_work.py::test_four_times_the_text_takes_at_most_six_times_as_long",
    "core/test_words.py::test_the_largest_text_is_cut_into_words_within_a_budget",
    "edge/test_heads.py::test_an_endless_head_is_cut_off_without_using_memory",
    "edge/test_pipelining.py::test_a_flood_of_requests_waits_outside",
    "cluster/test_files.py::test_a_slow_reader_holds_back_the_node_that_has_the_file",
    "cluster/test_desk_at_size.py",
    "contracts/test_timers_at_size.py",
    "page/test_long_texts.mjs::no-text-holds-the-page-up",
    "page/test_streams.mjs::what-is-added-to-a-long-text-costs-as-much-as-at-its-beginning",
    "storage/test_migrations.py::test_numbers_are_repaired_in_memory_that_does_not_grow_with_the_log",
)
"""Places of tests that only `make measure` runs."""

EACH_SHARD = (
    # The rules and the wire.
    *("core", "wire", "dialects", "operations", "settings", "identity", "protocol"),
    *("contracts/test_conversations.py", "contracts/test_messages.py", "contracts/test_sync.py"),
    # Nothing acknowledged is lost.
    *("contracts/test_log.py", "contracts/test_writer.py", "chat/test_recovery_property.py", "faults"),
    *("torture/test_stream_kills.py", "cluster/test_news.py"),
    # A client of each dialect, and two users in browsers.
    *("chat/dialects/test_matrix.py", "clients/test_dialect_examples.py"),
    *("page/test_talking.mjs", "page/test_connection.mjs"),
)
"""Places that each shard of the gate runs: what every user needs, and most changes can break."""

PROCESS_FIXTURES = frozenset(
    {"postgresql", "postgresql_database", "failing_postgresql", "valkey", "chat_server", "node_client"}
)

SHORT_HEARTBEATS = frozenset({"pinging_engine", "pinging_server"})
"""Fixtures whose servers end a session after half a second without a pong; `make everything` runs their tests."""

LONGEST_FIRST = (
    *("reference/test_openapi.py", "page/test_accessibility.mjs", "page/test_calls.mjs", "cli/test_workers.py"),
    *("chat/test_access.py", "hostile/test_fuzz_sqlite.py", "hostile/test_fuzz_postgresql.py", "chat/test_costs.py"),
    *("letting_go", "page/test_files.mjs", "page/test_catching_up.mjs", "page/test_places.mjs"),
    "storage/test_backup.py",
    *("torture/test_short_campaign.py", "hostile/test_work_budget_rest.py", "hostile/test_work_budget_sockets.py"),
    *("chat/test_access_ids.py", "chat/test_growing_up.py", "contracts/test_sync_property.py"),
    *("cluster/test_presence.py", "edge/test_heads.py", "hostile/test_work_budget_http.py"),
    *("hostile", "page", "cluster", "storage", "contracts/test_notifications.py", "chat/test_readiness.py"),
    *("clients", "protocol", "cli", "edge", "torture", "reference", "deployment", "faults", "packaging"),
)
"""Files and folders in the order in which they are started; all others follow. The longest files come first, so that no
worker is left alone with one of them at the end.
"""


class _Place(NamedTuple):
    """A place, split into its parts; an empty `test` or `parameter` stands for all of them."""

    path: str
    test: str
    parameter: str

    def has(self, item: pytest.Item) -> bool:
        """Returns whether the place has an item of a file that is in its path."""
        name, _, parameters = item.name.partition("[")
        return self.test in {"", name} and self.parameter in parameters


class Shard(NamedTuple):
    """The part `number` of `total` parts of the test files, counted from 1."""

    number: int
    total: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Returns the shard of a text such as `2/5`. Raises ValueError for other texts."""
        match = re.fullmatch("([1-9][0-9]{0,2})/([1-9][0-9]{0,2})", text)
        if match is None or int(match[1]) > int(match[2]):
            raise ValueError(f"--shard {text}: write which one of how many, such as 2/5")
        return cls(int(match[1]), int(match[2]))

    def leaves_out(self, path: Path) -> bool:
        """Returns whether only another shard has a test file. Folders and other files are in every shard."""
        name = _below_tests(path) if path.is_relative_to(TESTS) else ""
        if not path.name.startswith("test_") or path.is_dir() or any(_is_in_path(name, each) for each in EACH_SHARD):
            return False
        return zlib.adler32(name.encode()) % self.total != self.number - 1


@cache
def _parsed(places: tuple[str, ...]) -> list[_Place]:
    return [_parse(place) for place in places]


@cache
def _places_of(file: Path, places: tuple[str, ...]) -> list[_Place]:
    """Returns those of the places whose path is or contains the file."""
    path = _below_tests(file)
    return [place for place in _parsed(places) if _is_in_path(path, place.path)]


def _below_tests(file: Path) -> str:
    """Returns the path as the tables have it. Texts are compared: a worker asks for a path 150,000 times, and
    `Path.is_relative_to` would take a second."""
    return file.relative_to(TESTS).as_posix()


def _is_in_path(path: str, folder_or_file: str) -> bool:
    return path == folder_or_file or path.startswith(f"{folder_or_file}/")


def _parse(place: str) -> _Place:
    rest, _, parameter = place.removesuffix("]").partition("[")
    path, _, test = rest.partition("::")
    return _Place(path, test, parameter)


def mark(item: pytest.Item) -> None:
    """Adds the markers of an item's kinds."""
    for kind in _needs_of(item.path):
        item.add_marker(kind)
    if uses_a_process(item):
        item.add_marker("processes")
    if _is_in(MEASURE, item):
        item.add_marker("measure")
    elif _is_late(item):
        item.add_marker("everything")


def _is_late(item: pytest.Item) -> bool:
    """Returns whether only `make everything` runs the item."""
    assert isinstance(item, pytest.Function)
    has_short_heartbeat = not SHORT_HEARTBEATS.isdisjoint(item.fixturenames)
    return has_short_heartbeat or (_is_in(EVERYTHING, item) and not _is_in(IN_THE_GATE, item))


def _is_in(places: tuple[str, ...], item: pytest.Item) -> bool:
    return any(place.has(item) for place in _places_of(item.path, places))


@cache
def _needs_of(file: Path) -> list[str]:
    """Returns what all tests of a file or folder need."""
    path = _below_tests(file)
    return [kind for kind, places in NEEDS.items() if any(_is_in_path(path, place) for place in places)]


@cache
def _kinds_of(file: Path) -> list[str]:
    """Returns the markers that all tests of a file or folder have."""
    kinds = [*_needs_of(file)]
    if _is_whole(file, MEASURE):
        kinds.append("measure")
    elif _is_whole(file, EVERYTHING) and not _has_places(file, IN_THE_GATE):
        kinds.append("everything")
    return kinds


def _is_whole(file: Path, places: tuple[str, ...]) -> bool:
    """Returns whether one of the places has all tests of a file or folder."""
    path = _below_tests(file)
    return any(_is_in_path(path, place.path) for place in _parsed(places) if not place.test and not place.parameter)


def _has_places(folder: Path, places: tuple[str, ...]) -> bool:
    """Returns whether one of the places is a file or folder, or is in one."""
    path = _below_tests(folder)
    return any(_is_in_path(place.path, path) for place in _parsed(places))


def uses_a_process(item: pytest.Item) -> bool:
    """Whether one of the item's fixtures is, or is a way to, another process."""
    assert isinstance(item, pytest.Function)
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    chosen = [value for value in given if isinstance(value, str)]
    return not PROCESS_FIXTURES.isdisjoint([*item.fixturenames, *chosen])


def is_left_out(path: Path, expression: str) -> bool:
    """Whether `-m EXPRESSION` selects no test of a file or folder, since all of them are of a kind that it excludes.

    Only expressions such as `not browser and not cluster` are understood. Others leave out nothing.
    """
    if not path.is_relative_to(TESTS) or "(" in expression or " or " in expression:
        return False
    terms = {term.strip() for term in expression.split(" and ")}
    return any(f"not {kind}" in terms for kind in _kinds_of(path))


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Returns the items in the order of LONGEST_FIRST and otherwise as they were."""
    return sorted(items, key=lambda item: _rank(item.path))


@cache
def _rank(file: Path) -> int:
    """Returns the place of a file in LONGEST_FIRST: its own, or else that of its folder."""
    path = _below_tests(file)
    for name in (path, path.partition("/")[0]):
        if name in LONGEST_FIRST:
            return LONGEST_FIRST.index(name)
    return len(LONGEST_FIRST)


class ProcessGuard:
    """Fails a test that starts a process though no marker says so."""

    def __init__(self) -> None:
        self._in_process = False
        self._started: list[str] = []

    def pytest_sessionstart(self) -> None:
        """Watches both ways of starting a process. An audit hook would cost time at each file that is opened."""
        start = subprocess.Popen.__init__

        @wraps(start)
        def watched(process: subprocess.Popen[Any], args: object, *rest: Any, **options: Any) -> None:  # noqa: ANN401
            self._see(str(args))
            start(process, cast("Any", args), *rest, **options)

        setattr(subprocess.Popen, "__init__", watched)  # noqa: B010 (mypy refuses an assignment to a method)
        forked_talkwire.watchers.append(self._see)

    def _see(self, command: str) -> None:
        if self._in_process and _PRODUCT not in command:
            self._started.append(command)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        """Looks at all that a test does, its fixtures too."""
        self._in_process = not any(item.get_closest_marker(kind) for kind in (*NEEDS, "everything", "measure"))
        self._started.clear()
        try:
            return (yield)
        finally:
            self._in_process = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> object:
        result = yield
        if self._started:
            pytest.fail(f"{item.nodeid} starts a process; say so in tests/kinds.py: {self._started}", pytrace=False)
        return result
