import { expect, it } from "vitest";
import { partsOf } from "../src/ui/markdown/linked_text";

const shown = (text: string): string =>
  partsOf(text)
    .map(({ part, href }) => (href !== undefined ? `[${part}]` : part))
    .join("");

it.each([
  ["", ""],
  ["no address", "no address"],
  ["https://a.example", "[https://a.example]"],
  [
    "See https://a.example/b?c=d#e, or (http://b.example).",
    "See [https://a.example/b?c=d#e], or ([http://b.example]).",
  ],
  ["HTTPS://A.EXAMPLE!", "[HTTPS://A.EXAMPLE]!"],
  ["javascript:alert(1) file:///etc http://", "javascript:alert(1) file:///etc http://"],
  ["www.a.example, and me@www.a.example", "[www.a.example], and me@www.a.example"],
  ["见https://a.example/b，好", "见[https://a.example/b]，好"],
  ["xhttps://a.example https://)https://b.example/_(c))", "xhttps://a.example https://)[https://b.example/_(c)])"],
  ["<https://a.example>", "<[https://a.example]>"],
])("the addresses in %j are links", (text, expected) => {
  expect(shown(text)).toBe(expected);
});
