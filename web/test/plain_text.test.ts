import { expect, it } from "vitest";
import { plainText } from "../src/chat/messages/plain_text";

it("removes Markdown syntax and nothing else", () => {
  expect(plainText("Move it to **Thursday**, ~~Friday~~ *or* `later`")).toBe("Move it to Thursday, Friday or later");
  expect(plainText("## Plan\n> said before\nsee [the page](https://example.com)")).toBe(
    "Plan\nsaid before\nsee the page",
  );
  for (const text of [
    "2 * 3 * 4",
    "a*b*c",
    "snake_case_name",
    "** not bold **",
    "#tag",
    "[x] done",
    "5 > 4",
    "<b>x</b>",
  ])
    expect(plainText(text)).toBe(text);
});

it("removes the fences of code, with the name of its language", () => {
  expect(plainText("Look:\n```python\nprint(1)\n```\nDone")).toBe("Look:\nprint(1)\nDone");
  expect(plainText("~~~\ncode\n~~~")).toBe("code");
  expect(plainText("```one line``` stays")).toBe("one line stays");
});

it("code in which the text is cut stays code", () => {
  const cut = plainText(`Look:\n\`\`\`js\n${"a*b*c\n".repeat(200)}\`\`\``);
  expect(cut.startsWith("Look:\na*b*c\n")).toBe(true);
  expect(cut).not.toContain("`");
});

it("a long text is cut, whatever it contains", () => {
  expect(plainText("**a ".repeat(20_000)).length).toBeLessThanOrEqual(600);
});
