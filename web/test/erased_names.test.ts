import { afterEach, expect, it } from "vitest";
import * as de from "../src/languages/de";
import { named } from "../src/server/erased_names";
import { texts } from "../src/texts";

const english = texts.people.erasedName;
const german = de.texts.people.erasedName;

const speak = (erasedName: string) => Object.assign(texts.people, { erasedName });

afterEach(() => void speak(english));

const answer = (name: string) => ({
  items: [
    { content: english, sender: { id: "1", name }, attachments: [{ name: english, url: "/file" }] },
    { id: "1", kind: "person", name, erased: true },
    { kind: "direct", name, members: [{ userId: "1", name, erased: true }] },
    { kind: "group", name: english, call: { names: { "1": name, "2": "Nora" } } },
  ],
  next: null,
});

it("deleted accounts have a name in the reader's language, and nothing else has", () => {
  speak(german);
  expect(named(answer(english))).toEqual(answer(german));
  expect(named(null)).toBeNull();
});

it("English has the server's word for them", () => {
  expect(english).toBe("Deleted user");
  expect(named(answer(english))).toEqual(answer(english));
});
