/** The files of tests: those that change globals, which need a process or thread of their own, and all others. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("test/", import.meta.url));
const GLOBALS = /fake-indexeddb|stubGlobal|resetModules|useFakeTimers|vi\.mock|globalThis|localStorage/;

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"));
const changesGlobals = (name: string): boolean => GLOBALS.test(readFileSync(FOLDER + name, "utf8"));
const inFolder = (names: string[]): string[] => names.map((name) => `test/${name}`);

export const apart = inFolder(files.filter(changesGlobals));
export const together = inFolder(files.filter((name) => !changesGlobals(name)));
