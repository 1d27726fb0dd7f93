import { common } from "lowlight";
import { expect, it } from "vitest";
import { colouredCode } from "../src/ui/markdown/code_colours";
import { drawnUnits, repeated } from "./drawn_texts";
import { measures, processorMs } from "./processor_time";

it("code in a known language is coloured", () => {
  expect(colouredCode("let a = 1;", "js")).toHaveLength(4);
  expect(colouredCode("let a = 1;", "unheard-of")).toBeNull();
});

it("Markdown, long code and long lines stay plain", () => {
  for (const name of ["markdown", "md"]) expect(colouredCode("# a", name)).toBeNull();
  expect(colouredCode("let a = 1;\n".repeat(364), "js")).toBeNull();
  expect(colouredCode(`// ${"a".repeat(500)}`, "js")).toBeNull();
  expect(colouredCode(`// ${"a".repeat(490)}\n`.repeat(8), "js")).not.toBeNull();
});

const WORDS = ["let ", "function ", "A\n", "a(", "<a ", "/*", "${", "-", "_", "A", "__", '"', "1e"];
/** Markdown takes twice as much for `/[](`. */
const BLOCK_MS = 400;

it.runIf(measures).each(Object.keys(common))("a block of code in %s takes little processor time", (language) => {
  // Each line is as long as a coloured one may be.
  const blocks = [...WORDS, "/[](", ...drawnUnits(200)].map((unit) =>
    repeated(unit, 4_000)
      .slice(0, 4_000)
      .replaceAll(/([^\n]{500})./g, "$1\n"),
  );
  colouredCode("let a = 1;", language);
  const slow = blocks.filter((code) => processorMs(() => colouredCode(code, language)) > BLOCK_MS);
  expect(slow).toEqual([]);
});
