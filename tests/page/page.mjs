// Drives the page at `/` in a real browser: runs tests, one after the other, until its standard input ends.
//
//   node page.mjs CHROMIUM
//
// A line of JSON on standard input names the next test: { url, latencyMs, file, title, given } is the test of that title in the
// file at that path (scenario_tests.mjs). `given` is its argument, and its pages get the server's answers `latencyMs` later.
// Prints one line of JSON for each thing that happens; the last one of a test is "done", with what the browser complained
// about. A test that fails ends the process: it reports "failed" with the reason, and standard error has what each page showed.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { answers, begin, close, complaints, describePages, end, remote, report } from "./browser.mjs";
import { testsOf } from "./scenario_tests.mjs";

const REPOSITORY = new URL("../../", import.meta.url);

try {
  for await (const line of answers) {
    const { url, latencyMs, file, title, given } = JSON.parse(line);
    await begin(url, latencyMs);
    const test = (await testsOf(file)).find((each) => each.title === title);
    await test.run({ ...given, server: remote });
    report("done", { complaints: await end() });
  }
} catch (error) {
  report("failed", { reason: reason(error), complaints });
  await describePages();
  process.exitCode = 1;
} finally {
  await close();
}
process.exit();

// The error's message, the line of the test that failed, and the calls that led there, without those of Node and packages.
function reason(error) {
  if (!(error instanceof Error)) return String(error);
  const called = error.stack.split("\n").filter((line) => /^ +at .*\.mjs:\d/.test(line) && !/node_modules|page\.mjs/.test(line));
  const text = stripVTControlCharacters([error.message, ...called.slice(-1).map(sourceOf), ...called].join("\n"));
  return text.replaceAll(REPOSITORY.href, "").replaceAll(fileURLToPath(REPOSITORY), "");
}

function sourceOf(call) {
  const [, address, line] = /((?:file:\/\/)?\/[^\s()]+\.mjs):(\d+)/.exec(call);
  return `>   ${readFileSync(fileURLToPath(new URL(address, "file:")), "utf8").split("\n")[line - 1].trim()}`;
}
