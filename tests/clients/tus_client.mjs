// The official tus client uploads bytes of its own making.
//
//   node tus_client.mjs ENDPOINT TOKEN SIZE [OPTIONS as JSON]
//
// Says what happens, one line of JSON each. `abortAfter` (bytes) ends the upload on the way and has the server forget it.
import { createHash } from "node:crypto";
import * as tus from "tus-js-client";

const [endpoint, token, size, options] = process.argv.slice(2);
const { abortAfter, ...further } = JSON.parse(options ?? "{}");

function report(happened, details = {}) {
  console.log(JSON.stringify({ happened, ...details }));
}

const bytes = Buffer.alloc(Number(size));
for (let place = 0; place < bytes.length; place++) bytes[place] = (place * 7 + (place >> 8)) % 251;

const upload = new tus.Upload(bytes, {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "naïve report.bin", filetype: "application/x-report" },
  retryDelays: [50, 100, 200, 500, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000],
  onBeforeRequest: (request) =>
    report("request", { method: request.getMethod(), offset: request.getHeader("Upload-Offset") ?? null }),
  onAfterResponse: (request, response) =>
    report("response", { method: request.getMethod(), status: response.getStatus(), offset: response.getHeader("Upload-Offset") ?? null }),
  onChunkComplete: async (_, accepted) => {
    if (abortAfter === undefined || accepted < abortAfter) return;
    const url = upload.url;
    await upload.abort(true);
    report("aborted", { url });
  },
  onError: (error) => {
    report("failed", { status: error.originalResponse?.getStatus() ?? null, body: error.originalResponse?.getBody() ?? "" });
  },
  onSuccess: () => report("uploaded", { url: upload.url, sha256: createHash("sha256").update(bytes).digest("hex") }),
  ...further,
});
upload.start();
