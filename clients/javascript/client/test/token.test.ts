import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { contentOf } from "../src/server/token.ts";
import { TokenRest } from "../src/server/token_rest.ts";

const ANYBODY = { id: "", name: "", createdAt: "", kind: "person" as const };
const text = (claims: object) => `e30.${btoa(JSON.stringify(claims))}.signature`;

describe("a token", () => {
  const NOW_MS = 1_000_000_000;

  it("names its user and its end", () => {
    expect(contentOf(text({ sub: "alice", exp: 1_000_060, iat: 1_000_000 }), NOW_MS)).toEqual({
      subject: "alice",
      expiresAt: NOW_MS + 60_000,
    });
  });

  it("lasts as long as it was issued for, when this device's clock is wrong", () => {
    for (const issued of [900_000, 1_100_000])
      expect(contentOf(text({ exp: issued + 60, iat: issued }), NOW_MS).expiresAt).toBe(NOW_MS + 60_000);
  });

  it.each(["opaque", "a.b.c", "", `e30.${btoa("[]")}.x`, `e30.${btoa("null")}.x`])(
    "that cannot be read says nothing: %s",
    (token) => {
      expect(contentOf(token, NOW_MS)).toEqual({});
    },
  );
});

describe("a function for tokens", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is called once for requests at the same time", async () => {
    const source = vi.fn(async () => text({ sub: "alice" }));
    const rest = new TokenRest("http://localhost/", source, ANYBODY);
    await Promise.all([rest.refresh(), rest.refresh()]);
    expect(source).toHaveBeenCalledOnce();
    await rest.refresh();
    expect(source).toHaveBeenCalledTimes(2);
  });

  it("may fail, which is reported, and is worth another try", async () => {
    const failures = [new Error("away"), "", undefined];
    for (const failure of failures) {
      const rest = new TokenRest(
        "http://localhost/",
        async () => {
          if (failure instanceof Error) throw failure;
          return failure as string;
        },
        ANYBODY,
      );
      const reported = vi.fn();
      rest.onTokenError = reported;
      await expect(rest.refresh()).rejects.toMatchObject({ code: "token_unavailable", isTransient: true });
      expect(reported).toHaveBeenCalledOnce();
    }
  });

  it("that hangs has failed after a time", async () => {
    const rest = new TokenRest("http://localhost/", () => new Promise<string>(() => undefined), ANYBODY);
    const refreshed = expect(rest.refresh()).rejects.toMatchObject({ code: "token_unavailable" });
    await vi.advanceTimersByTimeAsync(30_000);
    await refreshed;
  });

  it("may not become another user's", async () => {
    const users = ["alice", "bob"];
    const rest = new TokenRest("http://localhost/", async () => text({ sub: users.shift() }), ANYBODY);
    await rest.refresh();
    await expect(rest.refresh()).rejects.toMatchObject({ code: "forbidden", isTransient: false });
    expect(rest.session?.accessToken).toBe(text({ sub: "alice" }));
  });
});

it("a token that is given as a text cannot be renewed", async () => {
  const rest = new TokenRest("http://localhost/", text({ sub: "alice" }), ANYBODY);
  expect(rest.session?.accessToken).toBe(text({ sub: "alice" }));
  await expect(rest.refresh()).rejects.toMatchObject({ code: "unauthenticated", isTransient: false });
});
