"""The pages of `real_pages.py` say in Chromium what the tests of the preview expect of them."""

from __future__ import annotations

import html
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from talkwire.previews.page import LinkedPage
from tests.page.driving import headless_chromium_program
from tests.previews.real_pages import ORIGIN, PAGES

DEADLINE_S = 120
ALL = list(PAGES.values())

# Frames without a charset of their own have that of the page around them.
READER_TYPE = "text/html; charset=windows-1252"
READER = """<!doctype html><pre id=found></pre><script>
const clean = (text) => (text ?? '').replace(/\\s+/g, ' ').trim() || null;
const first = (page, names) => {
  for (const name of names.split(' '))
    for (const tag of page.querySelectorAll('meta[content]')) {
      const own = `${tag.getAttribute('property') ?? ''} ${tag.getAttribute('name') ?? ''}`;
      if (own.toLowerCase().split(/\\s+/).includes(name) && clean(tag.content)) return clean(tag.content);
    }
  return null;
};
const picture = (page) => {
  const address = first(page, 'og:image:secure_url og:image:url og:image twitter:image twitter:image:src');
  if (address === null) return null;
  const url = new URL(address, page.baseURI);
  url.hash = '';
  return url.href;
};
const read = (page) => {
  const title = first(page, 'og:title twitter:title') ?? clean(page.title);
  const description = first(page, 'og:description twitter:description description');
  const site = first(page, 'og:site_name application-name');
  return title && [title, description === title ? null : description, site, picture(page)];
};
(async () => {
  const found = [];
  for (let number = 0; number < COUNT; number++) {
    const frame = document.createElement('iframe');
    frame.src = `/folder/${number}`;
    await new Promise((loaded) => { frame.onload = loaded; document.body.append(frame); });
    found.push(read(frame.contentDocument));
  }
  const escaped = (sign) => '\\\\u' + sign.charCodeAt(0).toString(16).padStart(4, '0');
  document.getElementById('found').textContent = JSON.stringify(found).replace(/[\\u0080-\\uffff]/g, escaped);
})();
</script>""".replace("COUNT", str(len(ALL)))


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/":
            self._respond(READER_TYPE, READER.encode())
        elif self.path.startswith("/folder/") and self.path[8:].isdigit():
            page = ALL[int(self.path[8:])]
            self._respond(page.content_type, page.body)
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass

    def _respond(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def _shown(found: list[str | None] | None, origin: str) -> LinkedPage | None:
    if found is None:
        return None
    title, description, site_name, image_url = found
    assert title is not None
    address = None if image_url is None else image_url.replace(origin, ORIGIN).replace("http://", "https://")
    return LinkedPage(title, description, site_name, address)


def test_a_browser_finds_the_same_in_every_page() -> None:
    options = ("--no-sandbox", "--headless", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom")
    with _serving() as origin:
        done = subprocess.run(
            [headless_chromium_program(), *options, origin],
            capture_output=True, text=True, timeout=DEADLINE_S, check=True,
        )  # fmt: skip
    found = json.loads(html.unescape(done.stdout.partition('id="found">')[2].partition("</pre>")[0]))
    shown = {name: _shown(page, origin) for name, page in zip(PAGES, found, strict=True)}
    assert shown == {name: page.shown for name, page in PAGES.items()}
