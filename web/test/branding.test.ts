import { afterEach, expect, it } from "vitest";
import { brandTexts, logoAddress } from "../src/branding";
import { texts } from "../src/texts";

const { name, tagline } = texts;

/** A head with the elements that the selectors find. */
const headWith = (found: Readonly<Record<string, object>>): ParentNode =>
  ({ querySelector: (selector: string) => found[selector] ?? null }) as unknown as ParentNode;

afterEach(() => void Object.assign(texts, { name, tagline }));

it("the operator's name and sentence replace those of the texts", () => {
  brandTexts(headWith({ "meta[name=description]": { content: "Where we talk." } }), "Fernhill");
  expect([texts.name, texts.tagline]).toEqual(["Fernhill", "Where we talk."]);
});

it("without them the texts stay", () => {
  brandTexts(headWith({}), "");
  expect([texts.name, texts.tagline]).toEqual([name, tagline]);
});

it("the logo is the page's icon", () => {
  expect(logoAddress(headWith({ "link[rel=icon]": { href: "https://chat.example/web-logo" } }))).toBe(
    "https://chat.example/web-logo",
  );
  expect(logoAddress(headWith({}))).toBe("./icon.svg");
});
