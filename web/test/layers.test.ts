/** The folders of the user interface are layers: a module imports only from its own folder and from those above it here. */

import { expect, test } from "vitest";

const SOURCES = import.meta.glob<string>("../src/ui/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const UI = "../src/ui/";

/** From the bottom to the top. The modules of `src/ui` itself start the page, and may import everything. */
const LAYERS = [
  "keyboard",
  "page",
  "components",
  "emoji",
  "people",
  "files",
  "alerts",
  "markdown",
  "streams",
  "offers",
  "ratings",
  "cards",
  "composer",
  "message_dialogs",
  "timeline",
  "calls",
  "search",
  "settings",
  "desk",
  "panel",
  "conversation",
  "sidebar",
  "switcher",
  "sign_in",
  "",
];

const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** Returns the folder of a module of the user interface, empty for `src/ui` itself. */
function folderOf(path: string): string {
  return path.slice(UI.length).match(/^([^/]+)\//)?.[1] ?? "";
}

/** Returns the modules of the user interface that a module imports. */
function importsOf(module: string, source: string): string[] {
  return [...source.matchAll(IMPORT)]
    .map(([, path = ""]) => new URL(path, `file:///web/test/${module}`).pathname.replace("/web/", "../"))
    .filter((path) => path.startsWith(UI));
}

test("a folder of the user interface imports nothing from the layers above it", () => {
  const upwards = Object.entries(SOURCES).flatMap(([module, source]) =>
    importsOf(module, source)
      .filter((path) => LAYERS.indexOf(folderOf(path)) > LAYERS.indexOf(folderOf(module)))
      .map((path) => `${module} imports ${path}`),
  );
  expect(upwards).toEqual([]);
});

test("each folder of the user interface is a layer", () => {
  expect(new Set(Object.keys(SOURCES).map(folderOf))).toEqual(new Set(LAYERS));
});
