import { expect, test } from "vitest";
import { THEMES, themeOf } from "../src/ui/page/theme";

test("a stored theme is used, and anything else is the system's", () => {
  for (const theme of THEMES) expect(themeOf(theme)).toBe(theme);
  expect(themeOf(null)).toBe("system");
  expect(themeOf("sepia")).toBe("system");
});
