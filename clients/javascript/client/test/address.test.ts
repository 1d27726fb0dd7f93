import { describe, expect, it, vi } from "vitest";
import { randomId } from "../src/platform.ts";
import { baseOf, folderOf, withParameter } from "../src/server/address.ts";
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

it.each([
  ["https://e.com/chat/", "https://e.com/chat/"],
  ["https://e.com/chat/page.html?a=b/c#/d", "https://e.com/chat/"],
  ["https://e.com/#invite=1/2", "https://e.com/"],
])("the folder of the page %s", (page, folder) => {
  expect(folderOf(page)).toBe(folder);
});

it.each([
  ["a/b", "t", "x y", "a/b?t=x%20y"],
  ["a?t=1&u=2#h", "t", "3", "a?u=2&t=3#h"],
  ["a?t=1", "t", undefined, "a"],
  ["a?tt=1#?t=2", "t", undefined, "a?tt=1#?t=2"],
])("%s with another parameter", (url, name, value, expected) => {
  expect(withParameter(url, name, value)).toBe(expected);
});

describe("the token for files", () => {
  const rest = new TokenRest("https://e.com/chat/", "hers", { id: "alice", name: "Alice", createdAt: "" });
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

it("ids are unique without `crypto`, even if all random numbers are alike", () => {
  vi.stubGlobal("crypto", undefined);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const ids = Array.from({ length: 1_000 }, randomId);
  expect(new Set(ids).size).toBe(1_000);
  expect(new Set(ids.map((id) => /^[\da-f]{32}$/.test(id)))).toEqual(new Set([true]));
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
