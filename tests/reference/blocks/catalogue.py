"""How each code block of the documentation is checked.

JSON, settings and requests are recognised by their language. Each other block has an entry here: the page, the
beginning of the block, and what is done with it. A block without an entry fails `test_blocks.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference.blocks.collected import Block


@dataclass(frozen=True)
class RunBy:
    """Another test runs or checks the block, or the file that the block shows: `FILE::FUNCTION` below `tests`.

    The function may be a fixture. The gate runs the test, unless `only_everything` says why it does not.
    """

    test: str
    only_everything: str = ""


@dataclass(frozen=True)
class Run:
    """The commands run in a shell, with the page's other ones. `replaced` are texts that only the reader knows."""

    replaced: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NotRun:
    """The block cannot run in the tests. Files, modules and `make` targets that it names must exist nevertheless."""

    reason: str


@dataclass(frozen=True)
class Validated:
    """The block is a configuration that its own program or parser checks, named by `checker` in `test_blocks.py`."""

    checker: str


Check = RunBy | Run | NotRun | Validated

BY_LANGUAGE: dict[str, Check] = {
    "json": Validated("json"),
    "toml": Validated("settings"),
    "dotenv": Validated("variables"),
    "http": Validated("requests"),
    "text": Validated("text"),
    "sql": Validated("statements"),
    "promql": Validated("metrics"),
}

_POSTGRESQL = "postgresql://talkwire@db/talkwire"
_MINUTES = NotRun("It takes minutes, and measures.")
_PROXIES = "deployment/test_pages.py::test_a_page_shows_its_configuration_as_it_is"
_ENGINE = NotRun("It needs a container engine. tests/deployment/test_image.py performs the steps of the Dockerfile.")
_CLUSTER = NotRun("It needs a Kubernetes cluster. tests/deployment/test_kubernetes.py checks what is installed there.")
_ROOT = NotRun("It needs root, and changes the machine.")
_OTHER_SYSTEM = NotRun("It needs a server of another system. tests/cli/history_import imports exports of it.")
_GENERATED = "reference/test_generated_clients.py::"
_PYTHON_CLIENT = RunBy(
    f"{_GENERATED}test_a_python_client_has_everything_and_sends_and_lists_a_message",
    only_everything="A client in another language is generated in the gate.",
)
_INSTALLS = RunBy(
    "packaging/test_guides.py::test_the_commands_of_a_guide_install_what_a_clone_builds",
    only_everything="It builds the packages.",
)
_MODELS = RunBy(
    f"{_GENERATED}test_the_models_of_events_have_names_and_compile",
    only_everything="It needs Modelina, whose 200 MB are too many for `make install`.",
)
_TYPES = RunBy("clients/test_javascript_packages.py::test_the_documented_programs_have_the_right_types")
_EXAMPLES = RunBy("clients/test_documented_examples.py::test_pages_show_the_examples_as_they_are")
_MAPPED_IDS = RunBy("clients/test_documented_examples.py::test_a_back_end_maps_ids_as_the_page_says")
_EMBEDDING = RunBy("embedding/test_page.py::modules")
_DJANGO = RunBy("page/test_embedding_examples.mjs::a-customer-asks-on-the-page-of-the-tutorials-shop-and-is-answered")
_DJANGO_FILES = RunBy("page/test_django_tutorial.py::test_the_page_shows_all_files_of_the_example")
_FASTAPI_FILES = RunBy("page/test_fastapi_example.py::test_the_page_shows_the_files_of_the_example")
_OTHER_TUTORIAL = "The gate follows another tutorial in a browser."
_FASTAPI = RunBy(
    "page/test_fastapi_example.mjs::a-customer-asks-and-gets-the-answer-of-the-desk-as-a-push",
    only_everything=_OTHER_TUTORIAL,
)
_NEST_BUILT = RunBy("clients/test_nestjs_example.py::built", only_everything=_OTHER_TUTORIAL)
_NEST = RunBy(
    "clients/test_nestjs_example.py::test_clients_of_the_gateway_and_of_talkwire_show_the_same",
    only_everything=_OTHER_TUTORIAL,
)
_NEST_FILES = RunBy("clients/test_nestjs_example.py::test_the_page_shows_the_files_of_the_example")
_SHOPS = RunBy("page/test_embedding_examples.py::test_the_page_shows_the_example_as_it_is")
_AGENT_EXAMPLE = RunBy(
    "clients_python/test_agent_example.py::test_another_process_writes_the_answer_of_one_that_was_killed"
)
_TALKWIRE_AGENT = RunBy(
    "clients_python/agent/test_with_a_server.py"
    "::test_another_process_executes_what_was_approved_after_the_first_was_killed"
)
_CLIENT = RunBy("clients_python/test_documentation.py::test_the_blocks_are_valid")
_WEBHOOKS = RunBy("clients/test_receivers.py::test_the_page_about_webhooks_shows_the_receivers_as_they_are")
_BODIES = "clients/test_streamed_bodies.py::"
_READERS = RunBy("clients/test_stream_readers.py::test_the_page_shows_what_the_readers_do")
_SERVICE = RunBy("deployment/test_services.py::test_the_page_shows_settings_that_exist")
_RECEIVER = RunBy("clients/test_event_receivers.py::test_the_commands_of_the_page_copy_the_chat")

CATALOGUE: dict[str, dict[str, Check]] = {
    "README.md": {
        "git clone": NotRun("The repository's address is the reader's. Tests of the demo do what `make run` does."),
        "curl": RunBy("clients/test_readme.py::test_the_request_of_the_readme_sends"),
        "make install": RunBy(
            "packaging/test_wheel.py::test_the_commands_of_the_readme_build_install_and_start_the_server"
        ),
        "docker": _ENGINE,
        "JWT_SECRET=…": Run(),
        "// One conversation": RunBy("clients/test_readme.py::test_the_readme_shows_the_example_as_it_is"),
    },
    "docs/api-clients.md": {
        "export TALKWIRE_TOKEN": Run(),
        "npm init": Run(),
        "npx": RunBy(f"{_GENERATED}typescript"),
        "import createClient": RunBy(f"{_GENERATED}test_a_typescript_client_sends_and_lists_a_message"),
        "npx tsc": RunBy(f"{_GENERATED}test_a_typescript_client_sends_and_lists_a_message"),
        "pip": Run(),
        "literal_enums": _PYTHON_CLIENT,
        "openapi-python": _PYTHON_CLIENT,
        "npm install @asyncapi/modelina": _MODELS,
        "import { writeFile": _MODELS,
        "node models": _MODELS,
        "import os": _PYTHON_CLIENT,
        "python send.py": _PYTHON_CLIENT,
    },
    "docs/authentication.md": {
        "JWT_SECRET=…": Run(),
        "import hashlib": _MAPPED_IDS,
        "import { createHash }": _MAPPED_IDS,
        "// A chat token": _EXAMPLES,
        '"""A chat token': _EXAMPLES,
        '"""An application': _EXAMPLES,
        "// A client": _EXAMPLES,
    },
    "docs/backup.md": {
        "talkwire backup /backups": Run(),
        "talkwire restore": Run({"chat-2026-01-31": "chat-$(date +%F)", _POSTGRESQL: "$POSTGRESQL"}),
        "talkwire migrate": Run({"--files …": "--files files", _POSTGRESQL: "$OTHER_POSTGRESQL"}),
    },
    "docs/benchmarks.md": {
        "make bench": _MINUTES,
        "hosts:": RunBy("reference/test_pages.py::test_the_page_shows_how_ejabberd_is_configured"),
        "git worktree": _MINUTES,
        ".venv/bin/python -m bench.web_client": _MINUTES,
    },
    "docs/client-javascript.md": {
        "npm": _INSTALLS,
        'import { Talkwire } from "@talkwire/client";\n\nconst chat': _TYPES,
        'import { Talkwire } from "@talkwire/client";\n\nconst [url': RunBy(
            "clients/test_javascript_packages.py::test_the_documented_program_answers_a_message"
        ),
        'import { Talkwire } from "@talkwire/client";\nimport { cardsOf }': RunBy(
            "clients/test_cards_client.py::test_the_program_of_the_page_is_killed_and_gets_its_decision_nevertheless"
        ),
        'import { Talkwire } from "@talkwire/client";\nimport { turnsOf }': RunBy(
            "clients/test_turns_client.py::test_the_program_of_the_page_asks_and_answers_and_ends"
        ),
        "import { Talkwire, type": _TYPES,
        "import type { Message }": _TYPES,
        "import type { Room }": _TYPES,
    },
    "docs/client-python.md": {
        "pip": _INSTALLS,
        "import asyncio": RunBy(
            "clients_python/test_documentation.py::test_the_program_of_the_page_prints_what_it_sent"
        ),
        "async def get_token": _CLIENT,
        "@asynccontextmanager": _CLIENT,
        "from talkwire_client import BlockingTalkwire": _CLIENT,
        "from talkwire_client import Talkwire": RunBy(
            "clients_python/test_streams.py::test_the_program_of_the_page_answers_word_by_word"
        ),
        "ended = await": _CLIENT,
        "ACTIONS =": RunBy("clients_python/test_turns.py::test_the_program_of_the_page_refunds_after_the_decision"),
        "async for": _CLIENT,
        "while True": _CLIENT,
    },
    "docs/configuration.md": {
        "TALKWIRE_DATA": RunBy(
            "settings/test_configuration_page.py::test_the_example_of_variables_sets_the_same_as_the_file"
        ),
    },
    "docs/console.md": {"talkwire token": Run()},
    "docs/deployment/apache.md": {
        "a2enmod": _ROOT,
        "# Apache httpd": RunBy(_PROXIES),
        "ServerLimit": Validated("apache"),
        "RewriteEngine": RunBy("deployment/test_apache.py::test_the_way_of_older_versions_passes_websockets_on"),
    },
    "docs/deployment/caddy.md": {"# Caddy": RunBy(_PROXIES)},
    "docs/deployment/docker.md": {"docker compose": _ENGINE, "docker build": _ENGINE},
    "docs/deployment/haproxy.md": {"# HAProxy": RunBy(_PROXIES)},
    "docs/deployment/kubernetes.md": {
        "helm": _CLUSTER,
        "kubectl": _CLUSTER,
        "# values.yaml": RunBy("deployment/test_kubernetes.py::test_the_values_of_the_page_are_accepted"),
    },
    "docs/deployment/nginx.md": {"# nginx": RunBy(_PROXIES)},
    "docs/deployment/systemd.md": {
        "python3": _ROOT,
        "TALKWIRE_TRUSTED": _SERVICE,
        "/opt/talkwire/bin/talkwire invite": Run(),
        "[Service]": _SERVICE,
        "# Talkwire as": RunBy(_PROXIES),
    },
    "docs/dialects/crm.md": {"proxy_http_version": Validated("nginx")},
    "docs/django.md": {"export": Run(), "pip": _SHOPS, '"""A shop': _SHOPS, "echo": Run()},
    "docs/desk.md": {
        "import { Talkwire }": RunBy("clients/test_desk_client.py::test_the_program_of_the_page_answers_a_customer"),
        "import { RequestError }": _TYPES,
        "import asyncio": RunBy(
            "clients_python/test_documentation.py::test_the_program_of_the_page_about_desks_answers_customers"
        ),
    },
    "docs/embedding-the-web-client.md": {
        "<script": NotRun(
            "tests/page/test_embedding_examples.mjs opens pages with the same element and the same script."
        ),
        'import "@talkwire/embed";': _TYPES,
        "talkwire-chat {": NotRun("Styles, which fail nowhere."),
        'import "@talkwire/embed/react"': _TYPES,
    },
    "docs/back-end.md": {"cat": Run()},
    "docs/embedding.md": {
        "from msgspec.structs import replace\n\nfrom talkwire import Actor": _EMBEDDING,
        "from talkwire import Refused": _EMBEDDING,
        "from fastapi import FastAPI\n\nfrom talkwire import Talkwire\n\napp": _EMBEDDING,
        "from fastapi import FastAPI\n\nfrom talkwire import Talkwire\n\nchat": _EMBEDDING,
        "from fastapi import FastAPI\n\nfrom talkwire import Talkwire, settings": _EMBEDDING,
        "import asyncio": _EMBEDDING,
        "from msgspec.structs import replace\n\nfrom talkwire import Settings": _EMBEDDING,
    },
    "docs/erasing.md": {"talkwire user erase": Run({"alice": "zoe"}), "talkwire export": Run()},
    "docs/express.md": {
        "export": Run(),
        "npm": _SHOPS,
        "//": _SHOPS,
        "echo": Run(),
        "curl": RunBy("clients/test_shop_notifications.py::test_a_colleague_is_hired_as_the_page_of_express_says"),
    },
    "docs/files.md": {
        "curl": Run(),
        "const upload": RunBy("clients/test_tus_client.py::test_a_file_is_uploaded"),
    },
    "docs/growth.md": {".venv/bin/python -m bench.growth": _MINUTES},
    "docs/hostile-input.md": {"TALKWIRE_FUZZ": _MINUTES},
    "docs/importing.md": {"talkwire import": Run(), "mmctl": _OTHER_SYSTEM, "for name": _OTHER_SYSTEM},
    "docs/keep-in-step.md": {"pip": _RECEIVER, "while True": Validated("python")},
    "docs/metrics.md": {"# prometheus.yml": Validated("prometheus")},
    "docs/moderation.md": {
        "echo whsec_": Run(),
        "// Moderates": RunBy("callbacks/test_express_example.py::test_the_page_shows_the_example_as_it_is"),
        "# config/routes.rb": NotRun("It needs Ruby and Rails."),
        "<?php": NotRun("It needs PHP."),
    },
    "docs/other-platforms.md": {
        "import { io }": RunBy(
            "clients/test_other_platforms.py::test_the_client_of_the_page_neither_loses_nor_repeats_a_message"
        )
    },
    "docs/packages.md": {
        "git clone": NotRun("The repository's address is the reader's."),
        "export CLONE": NotRun("It names the reader's folder."),
    },
    "docs/push.md": {"const registration": Validated("javascript"), "self.addEventListener": Validated("javascript")},
    "docs/react-native.md": {
        'import "react-native-get-random-values"': Validated("javascript"),
        "await chat.conversation": Validated("javascript"),
        "module.exports": Validated("javascript"),
    },
    "docs/quick-start.md": {
        "git clone": NotRun("The repository's address is the reader's."),
        "export PATH": Run(),
        "talkwire conversation": Run(),
        "// One side": _EXAMPLES,
        "cd examples": RunBy("clients/test_documented_examples.py::test_two_talk_as_in_the_quick_start"),
        "curl": Run(),
    },
    "docs/recovery.md": {"const socket": Validated("javascript"), "const { events": Validated("javascript")},
    "docs/scale.md": {"python -m bench.scale": _MINUTES},
    "docs/socket-io-server.md": {"import sys": RunBy("embedding/test_socketio.py::test_the_page_shows_the_example")},
    "docs/torture.md": {
        "make torture": _MINUTES,
        ".venv/bin/python -m rigs.torture.streams": _MINUTES,
        ".venv/bin/python -m rigs.torture.cards": _MINUTES,
        ".venv/bin/python -m rigs.torture.turns": _MINUTES,
    },
    "docs/traces.md": {"talkwire serve": Run()},
    "docs/talkwire-agent.md": {
        "pip": _TALKWIRE_AGENT,
        "talkwire user add": Run(),
        "from typing": RunBy("clients_python/agent/test_tools.py::test_the_tools_of_the_page_are_tools"),
    },
    "docs/tutorials/agents.md": {
        "export PATH": Run(),
        "talkwire user add": Run(),
        '"""An agent': RunBy("clients_python/test_agent_example.py::test_the_page_shows_the_program_as_it_is"),
        'pip install "$CLONE"': _AGENT_EXAMPLE,
        "python agent.py": _AGENT_EXAMPLE,
        "from openai": Validated("python"),
        'pip install "$(ls': _TALKWIRE_AGENT,
    },
    "docs/tutorials/django-shop.md": {
        "export JWT_SECRET": Run(),
        "mkdir": Run(),
        '"""': _DJANGO_FILES,
        "<!doctype": _DJANGO_FILES,
        "//": _DJANGO_FILES,
        "export DJANGO": _DJANGO,
    },
    "docs/cards.md": {
        "import httpx": RunBy("chat/test_cards.py::test_the_documented_program_verifies_a_receipt"),
        "async def main": RunBy("clients_python/test_refund.py::test_the_page_shows_the_program_as_it_is"),
    },
    "docs/streams.md": {
        "make 2>&1": RunBy(f"{_BODIES}test_curl_sends_what_a_program_prints"),
        "import httpx": RunBy(f"{_BODIES}test_the_python_of_the_page_passes_events_on_as_they_come"),
        "async function writeAnswer": RunBy(
            f"{_BODIES}test_the_page_shows_the_program_that_the_package_openai_is_tested_with"
        ),
        "const stream": _READERS,
        "class Agent": _READERS,
    },
    "docs/tutorials/fastapi-react.md": {
        "export JWT_SECRET": Run(),
        "mkdir": Run(),
        '"""A shop': _FASTAPI_FILES,
        "cd page": Run({f'"$CLONE"/dist/javascript/talkwire-{each}-*.tgz ': "" for each in ("client", "react")}),
        "<!doctype": _FASTAPI_FILES,
        "import": _FASTAPI_FILES,
        "self.addEventListener": _FASTAPI_FILES,
        "npx vite": _FASTAPI,
        "cd ..": _FASTAPI,
        "curl": _FASTAPI,
    },
    "docs/tutorials/nestjs.md": {
        "cp -r": _NEST_BUILT,
        "// The shop's own": _NEST_FILES,
        "export JWT_SECRET": _NEST,
        "node before": _NEST,
        "export CALLBACK_SECRET": _NEST,
        "// The shop, whose": _NEST_FILES,
        "// The shop's requests": _NEST_FILES,
        "export TALKWIRE": _NEST,
        "-// A customer": RunBy("clients/test_nestjs_example.py::test_the_page_shows_what_changes_in_the_client"),
        "node after": _NEST,
        "// Copies": _NEST_FILES,
        "node build": _NEST,
    },
    "docs/webhooks.md": {
        "curl -X POST": Run(),
        "curl -X PUT": Run(),
        '"""Rebuilds': _WEBHOOKS,
        "// Rebuilds": _WEBHOOKS,
    },
    "docs/workers.md": {
        "talkwire serve": RunBy("cli/test_workers.py::steady"),
        "scrape_configs": Validated("prometheus"),
    },
}


def check_of(block: Block) -> Check | None:
    """Returns how a block is checked, or None when nobody has decided that."""
    return CATALOGUE.get(block.page, {}).get(entry_of(block) or "") or BY_LANGUAGE.get(block.language)


def entry_of(block: Block) -> str | None:
    """Returns the longest beginning in the catalogue that a block has."""
    found = [each for each in CATALOGUE.get(block.page, {}) if block.text.startswith(each)]
    return max(found, key=len, default=None)
