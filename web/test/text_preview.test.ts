import { expect, it } from "vitest";
import { extensionOf, isText } from "../src/chat/files/text_preview";

const file = (contentType: string, id: string | undefined = "1") => ({
  url: "files/1",
  name: "a",
  contentType,
  ...(id !== undefined && { id }),
});

it("texts on this server can be looked at, and nothing else", () => {
  expect(["text/plain", "text/csv", "application/json"].every((type) => isText(file(type)))).toBe(true);
  expect(["application/pdf", "image/png", "application/jsonx"].some((type) => isText(file(type)))).toBe(false);
  const { id: _, ...elsewhere } = file("text/plain");
  expect(isText(elsewhere)).toBe(false);
});

it("the end of a name says the kind of a file", () => {
  expect(extensionOf("Report 2026.pdf")).toBe("PDF");
  expect(extensionOf("archive.tar.gz")).toBe("GZ");
  expect(["README", ".profile", "a.long ending", "v1.averylong"].map(extensionOf)).toEqual(["", "", "", ""]);
});
