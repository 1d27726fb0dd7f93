import { describe, expect, it } from "vitest";
import { type Block, blocksOf, endsInWords } from "../src/chat/markdown/blocks";
import type { Inline } from "../src/chat/markdown/inlines";
import { trimmed } from "../src/chat/markdown/trimmed";
import { plainText } from "../src/chat/messages/plain_text";

/** Writes the formatting in tags. */
function inlines(parts: readonly Inline[]): string {
  return parts
    .map((part) => {
      if (part.kind === "text") return part.text;
      if (part.kind === "code") return `<code>${part.text}</code>`;
      if (part.kind === "link") return `<a ${part.href}>${inlines(part.inside)}</a>`;
      return `<${part.kind}>${inlines(part.inside)}</${part.kind}>`;
    })
    .join("");
}

const blocks = (found: readonly Block[]): string => found.map(tagged).join("\n");

function tagged(block: Block): string {
  if (block.kind === "text") return inlines(block.inside);
  if (block.kind === "heading") return `<h${block.level}>${inlines(block.inside)}</h>`;
  if (block.kind === "quote") return `<quote>${blocks(block.inside)}</quote>`;
  if (block.kind === "code") return `<pre ${block.language}>${block.text}</pre>`;
  if (block.kind === "table") {
    return [block.head, ...block.rows].map((row) => `<row>${row.map(inlines).join("|")}</row>`).join("");
  }
  return block.items
    .map(
      ({ sign, isDone, inside }) => `<item ${sign}${isDone === undefined ? "" : ` ${isDone}`}>${blocks(inside)}</item>`,
    )
    .join("");
}

const shown = (text: string): string => blocks(blocksOf(text));

const AS_WRITTEN = [
  "3*4*5",
  "2 * 3 * 4",
  "2**3**4",
  "a*b*c",
  "a==b==c",
  "==x==",
  "__init__",
  "__bold__",
  "def __init__(self, *args, **kwargs):",
  "snake_case_name and _private",
  "报告_最终_版.docx",
  "*.txt,*.md",
  "*.txt and *.md",
  "src/*/test/*/x",
  "int *a, *b;",
  "/*comment*/",
  "SELECT * FROM a WHERE b = *",
  "^_^ and -_- ok -_- and *_*",
  "¯\\_(ツ)_/¯",
  "*️⃣*️⃣",
  "****",
  "** not bold **",
  "**",
  "~x~",
  "C:\\new\\*.txt",
  "C:\\a\\*.txt and C:\\b\\*.txt",
  "C:\\_build_\\x",
  "\\\\server\\share",
  "\\alpha \\[x\\] \\#1",
  "---",
  "***",
  "___",
  "- - -",
  "-----BEGIN KEY-----",
  "Title\n---",
  "Title\n===",
  "-",
  "    code()\n        more()",
  "\tcode()",
  "a\n\n\n\n\n\nb",
  "a  b   c",
  "a \\\nb",
  "01. first",
  "#tag",
  "  # comment",
  ">_<",
  ">>> import this",
  "5 > 4",
  "+ 5",
  "&amp; &nbsp; &lt;b&gt;",
  "<b>x</b> <!-- y -->",
  "[x] done",
  "array[i](x)",
  "[a](b) [x](javascript:alert(1)) [x](data:text/html,x) ![x](x)",
  "[a]: https",
  "a[^1]\n\n[^1]: note",
  "```\nnever closed",
  "`never closed",
  "||spoiler||",
  "a | b",
  "a | b\nc | d",
];

describe("a text without formatting", () => {
  it.each(AS_WRITTEN)("is shown as it is written: %j", (text) => {
    expect(shown(text)).toBe(text);
    expect(plainText(text)).toBe(text);
  });
});

const FORMATTED: readonly (readonly [string, string, string])[] = [
  [
    "**bold** and *italic* or _italic_",
    "<bold>bold</bold> and <italic>italic</italic> or <italic>italic</italic>",
    "bold and italic or italic",
  ],
  ["***both***", "<italic><bold>both</bold></italic>", "both"],
  ["**a *b***", "<bold>a <italic>b</italic></bold>", "a b"],
  ["***a** b*", "<italic><bold>a</bold> b</italic>", "a b"],
  ["***a* b**", "<bold><italic>a</italic> b</bold>", "a b"],
  ["*a **b** c*", "<italic>a <bold>b</bold> c</italic>", "a b c"],
  ["**a** and **b**", "<bold>a</bold> and <bold>b</bold>", "a and b"],
  ["**Yes**/**No**", "<bold>Yes</bold>/<bold>No</bold>", "Yes/No"],
  ['(*a*), "*b*": *c*!', '(<italic>a</italic>), "<italic>b</italic>": <italic>c</italic>!', '(a), "b": c!'],
  ["**-5 %** and *.5*", "<bold>-5 %</bold> and *.5*", "-5 % and *.5*"],
  ["这是**粗体**文字", "这是<bold>粗体</bold>文字", "这是粗体文字"],
  ["**🎉**", "<bold>🎉</bold>", "🎉"],
  ["a~~b~~ ~~c d~~", "a~~b~~ <struck>c d</struck>", "a~~b~~ c d"],
  ["*a\nb*", "<italic>a\nb</italic>", "a\nb"],
  ["*a\n\nb*", "*a\n\nb*", "*a\n\nb*"],
  ["**a*", "**a*", "**a*"],
  ["\\*not italic\\*", "*not italic*", "*not italic*"],
  ["\\**not bold\\**", "**not bold**", "**not bold**"],
  ["\\*\\*not bold\\*\\*", "**not bold**", "**not bold**"],
  ["\\_x\\_ \\~~x\\~~", "_x_ ~~x~~", "_x_ ~~x~~"],
  ["*a \\*b c*", "<italic>a *b c</italic>", "a *b c"],
  ["\\`code\\`", "`code`", "`code`"],
  ["\\# Title\n\\- item\n\\> quote\n1\\. one", "# Title\n- item\n> quote\n1. one", "# Title\n- item\n> quote\n1. one"],
  ["\\[a](https://b.example)", "[a](<a https://b.example>https://b.example</a>)", "[a](https://b.example)"],
  ["`a*b*c` and `` a`b ``", "<code>a*b*c</code> and <code>a`b</code>", "a*b*c and a`b"],
  ["`C:\\dir\\` *`x`*", "<code>C:\\dir\\</code> <italic><code>x</code></italic>", "C:\\dir\\ x"],
  ["```one line``` stays", "<code>one line</code> stays", "one line stays"],
  [
    "See https://a.example/b_c_d*e?f=(g). Or www.b.example, c_d@e.example!",
    "See <a https://a.example/b_c_d*e?f=(g)>https://a.example/b_c_d*e?f=(g)</a>. Or <a http://www.b.example>www.b.example</a>, <a mailto:c_d@e.example>c_d@e.example</a>!",
    "See https://a.example/b_c_d*e?f=(g). Or www.b.example, c_d@e.example!",
  ],
  [
    "(https://a.example) **https://b.example**",
    "(<a https://a.example>https://a.example</a>) <bold><a https://b.example>https://b.example</a></bold>",
    "(https://a.example) https://b.example",
  ],
  ["[**a** [b]](https://c.example/(d))", "<a https://c.example/(d)><bold>a</bold> [b]</a>", "a [b]"],
  ['[a](https://b.example "c")', "<a https://b.example>a</a>", "a"],
  [
    "![a](https://b.example/c.png) ![](https://d.example)",
    "<a https://b.example/c.png>a</a> <a https://d.example>https://d.example</a>",
    "a https://d.example",
  ],
  [
    "<https://a.example> <b@c.example>",
    "<a https://a.example>https://a.example</a> <a mailto:b@c.example>b@c.example</a>",
    "https://a.example b@c.example",
  ],
  ["## Title #", "<h2>Title #</h>", "Title #"],
  ["> a\n>\n> > b\nc", "<quote>a\n\n<quote>b</quote></quote>\nc", "a\n\nb\nc"],
  ["- a\n- *b*\nc", "<item ->a</item><item -><italic>b</italic></item>\nc", "• a\n• b\nc"],
  ["1) one\n3) three", "<item 1)>one</item><item 3)>three</item>", "1) one\n3) three"],
  ["1. a\n1. b", "<item 1.>a</item><item 1.>b</item>", "1. a\n1. b"],
  ["2024. A year", "<item 2024.>A year</item>", "2024. A year"],
  [
    "- a\n  - b\n    more\n\n  after\n- c",
    "<item ->a\n<item ->b\nmore</item>\n\nafter</item><item ->c</item>",
    "• a\n• b\nmore\n\nafter\n• c",
  ],
  ["1. a\n\n2. b", "<item 1.>a</item>\n\n<item 2.>b</item>", "1. a\n\n2. b"],
  ["- [ ] a\n- [x] b", "<item - false>a</item><item - true>b</item>", "• [ ] a\n• [x] b"],
  ["```js\n  a\n\n  b\n```\nc", "<pre js>  a\n\n  b</pre>\nc", "  a\n\n  b\nc"],
  ["```\na```", "<pre undefined>a</pre>", "a"],
  ["```not a language\na\n```", "<pre undefined>not a language\na</pre>", "not a language\na"],
  ["~~~\n```\n~~~", "<pre undefined>```</pre>", "```"],
  ["- a\n  ```\n  b\n  ```", "<item ->a\n<pre undefined>b</pre></item>", "• a\nb"],
  [
    "|a|b|\n|-|:-:|\n|1|2|3|\n|`x`|y\\|z|",
    "<row>a|b</row><row>1|2|3</row><row><code>x</code>|y|z</row>",
    "a | b\n1 | 2 | 3\nx | y|z",
  ],
];

describe("formatting", () => {
  it.each(FORMATTED)("of %j", (text, expected, plain) => {
    expect(shown(text)).toBe(expected);
    expect(plainText(text)).toBe(plain);
  });

  it("deep quotes and lists are text", () => {
    expect(shown(`${"> ".repeat(100)}deep`)).toContain(`${"> ".repeat(94)}deep`);
    expect(shown(`${"- ".repeat(100)}deep`)).toContain(`${"- ".repeat(94)}deep`);
  });
});

it("blank lines before a text and the space after it are left out", () => {
  expect(trimmed("\n  \n  a\n\n  b \n\n")).toBe("  a\n\n  b");
  expect(trimmed(" \n \t")).toBe("");
});

it.each([
  ["a", true],
  ["# a", true],
  ["a\n- b\n- *c*", true],
  ["1. a\n   - b\n\n     c", true],
  ["- a\n  > b", false],
  ["- a\n  - b\n\nc", true],
  ["a\n\nb", true],
  ["a\n```\nb\n```", false],
  ["- a\n  ```\n  b\n  ```", false],
  ["> a", false],
  ["a | b\n--|--\nc | d", false],
])("%j ends in words: %j", (text, ends) => {
  expect(endsInWords(text)).toBe(ends);
});
