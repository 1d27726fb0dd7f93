import { describe, expect, it, vi } from "vitest";
import { randomId } from "../src/platform.ts";
import { baseOf } from "../src/server/address.ts";
import { TokenRest } from "../src/server/token_rest.ts";

it.each([
  ["https://chat.example.com", "https://chat.example.com/"],
  ["https://Chat.Example.com:443/chat//", "https://chat.example.com/chat/"],
  ["http://user:secret@10.0.2.2:3000/a/b?c#d", "http://10.0.2.2:3000/a/b/"],
  ["http://[::1]:3000", "http://[::1]:3000/"],
  ["http://box1:3000/", "http://box1:3000/"],
])("the server's address %s", (given, expected) => {
  expect(baseOf(given)).toBe(expected);
});

it.each(["", "chat.example.com", "ws://chat.example.com", "mailto:a@b.c", "http://a b", "https://"])(
  "“%s” is no address",
  (given) => {
    expect(() => baseOf(given)).toThrow("is no address");
  },
);

describe("the token for files", () => {
  const rest = new TokenRest("https://e.com/chat/", "hers", {
    id: "alice",
    name: "Alice",
    createdAt: "",
    kind: "person",
  });
  (rest as unknown as { keepAddressToken(token: object): void }).keepAddressToken({ token: "secret", renewAt: 0 });

  it.each([
    ["api/v1/files/1", "https://e.com/chat/api/v1/files/1?token=secret"],
    ["/api/v1/files/1?size=2", "https://e.com/chat/api/v1/files/1?size=2&token=secret"],
    ["https://e.com/chat/api/v1/files/1", "https://e.com/chat/api/v1/files/1?token=secret"],
  ])("is in %s", (path, expected) => {
    expect(rest.authenticatedUrl(path)).toBe(expected);
  });

  it.each([
    "https://evil.com/1",
    "https://e.com.evil.com/1",
    "https://e.com@evil.com/1",
    "HTTPS://evil.com",
    "/https://evil.com/1",
    "//evil.com/1",
    "\\\\evil.com/1",
    "\t//evil.com/1",
    "ht\ntps://evil.com/1",
    "javascript:alert(1)",
    "data:text/html,1",
  ])("does not leave the server: %j", (path) => {
    const { origin, search } = new URL(rest.authenticatedUrl(path));
    if (origin !== "https://e.com") expect(search).toBe("");
  });
});

it("ids are unique without `crypto`, also those of one millisecond", () => {
  vi.stubGlobal("crypto", undefined);
  vi.spyOn(Date, "now").mockReturnValue(1_795_347_152_000);
  const ids = Array.from({ length: 1_000 }, randomId);
  expect(new Set(ids).size).toBe(1_000);
  expect(new Set(ids.map((id) => /^[\da-f]{32}$/.test(id)))).toEqual(new Set([true]));
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
