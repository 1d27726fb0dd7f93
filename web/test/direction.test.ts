import { expect, it } from "vitest";
import { stepOf } from "../src/ui/keyboard/direction";

it("an arrow key leads in the direction of the text", () => {
  expect(["ArrowRight", "ArrowLeft", "Home"].map((key) => stepOf(key, "ltr"))).toEqual([1, -1, 0]);
  expect(["ArrowRight", "ArrowLeft", "Home"].map((key) => stepOf(key, "rtl"))).toEqual([-1, 1, 0]);
});
