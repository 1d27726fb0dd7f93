import { afterEach, expect, it, vi } from "vitest";
import { requirePicture } from "../src/chat/files/require_picture";

afterEach(() => vi.unstubAllGlobals());

const file = new File(["x"], "a.png", { type: "image/png" });

it.each([
  [8000, 8000],
  [1, 1],
])("accepts a picture of %i x %i pixels", async (width, height) => {
  vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width, height, close: () => undefined }));
  await requirePicture(file);
});

it.each([
  [12000, 9000],
  [64_000_001, 1],
])("refuses a picture of %i x %i pixels, of which the server makes no thumbnail", async (width, height) => {
  const close = vi.fn();
  vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width, height, close }));
  await expect(requirePicture(file)).rejects.toThrow("no picture that can be shown");
  expect(close).toHaveBeenCalledOnce();
});

it("refuses what the browser cannot decode", async () => {
  vi.stubGlobal("createImageBitmap", () => Promise.reject(new Error("no picture")));
  await expect(requirePicture(file)).rejects.toThrow("no picture that can be shown");
});
