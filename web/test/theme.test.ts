import { expect, test } from "vitest";
import { THEMES, themeOf } from "../src/ui/theme";

test("what is kept is the theme, and anything else the system's", () => {
  for (const theme of THEMES) expect(themeOf(theme)).toBe(theme);
  expect(themeOf(null)).toBe("system");
  expect(themeOf("sepia")).toBe("system");
});
