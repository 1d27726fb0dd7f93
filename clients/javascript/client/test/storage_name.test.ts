import { expect, it } from "vitest";
import { storageName } from "../src/storage/storage_name.ts";

it.each([
  ["https://chat.example/", "talkwire-state"],
  ["https://chat.example/index.html?invitation=x#y", "talkwire-state"],
  ["https://chat.example/a/", "talkwire-state /a/"],
  ["https://chat.example/a/?query=/b/#/c/", "talkwire-state /a/"],
  ["https://chat.example/ab/", "talkwire-state /ab/"],
  ["https://chat.example/a/b/", "talkwire-state /a/b/"],
])("has a name of its own for each path: %s", (base, name) => {
  expect(storageName("talkwire-state", base)).toBe(name);
});
