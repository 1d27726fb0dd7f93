// Tests that run in a browser: a file test_AREA.mjs declares them with `test`, pytest collects and runs them.
import { deepEqual } from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { until } from "./browser.mjs";

const testsOfFiles = new Map();
// Those of the file that is being imported.
let declared;

// Declares a test. `needs`: markers and fixtures of pytest; without one that is a server, it runs at the demo server of its
// file. `run` gets the values of the fixtures, named as in Python but in camel case.
export function test(title, needs, run) {
  declared.push({ title, needs, run });
}

// Returns the tests of the file at this path.
export async function testsOf(file) {
  if (!testsOfFiles.has(file)) {
    testsOfFiles.set(file, (declared = []));
    await import(pathToFileURL(file));
  }
  return testsOfFiles.get(file);
}

// Reads until the value is the expected one, and fails with the last value after the deadline.
export async function becomes(read, expected) {
  deepEqual(await until(read, (value) => isDeepStrictEqual(value, expected)), expected);
}
