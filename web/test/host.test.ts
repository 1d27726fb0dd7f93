import { UNREACHABLE } from "@talkwire/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Host, originsOfHost, SIGNED_OUT } from "../src/embedding/host";

const SHOP = "https://shop.example.com";
const ADMIN = "https://admin.example.com";

const receivers = new Set<(event: MessageEvent) => void>();
const posted = vi.fn();
const parent = { postMessage: posted } as unknown as Window;
let host: Host;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("addEventListener", (_: string, receiver: (event: MessageEvent) => void) => receivers.add(receiver));
  vi.stubGlobal("removeEventListener", (_: string, receiver: (event: MessageEvent) => void) =>
    receivers.delete(receiver),
  );
  host = new Host([SHOP, ADMIN], parent);
});

afterEach(() => {
  host.close();
  posted.mockClear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function receive(data: unknown, { origin = SHOP, source = parent as unknown } = {}): void {
  for (const receiver of receivers) receiver({ data, origin, source } as MessageEvent);
}

it("asks each allowed origin for a token, and no other", async () => {
  const asked = host.requestToken();
  expect(posted.mock.calls).toEqual([
    [{ type: "talkwire:token-please" }, SHOP],
    [{ type: "talkwire:token-please" }, ADMIN],
  ]);
  receive({ type: "talkwire:token", token: "hers" });
  expect(await asked).toBe("hers");
});

it("believes only the page around the frame, if its origin is allowed", async () => {
  const asked = host.requestToken();
  receive({ type: "talkwire:token", token: "a" }, { origin: "https://shop.example.com.evil.example" });
  receive({ type: "talkwire:token", token: "b" }, { origin: "null" });
  receive({ type: "talkwire:token", token: "c" }, { source: {} });
  for (const data of [null, "talkwire:token", 7, { type: "other" }]) receive(data);
  receive({ type: "talkwire:token", token: "hers" });
  expect(await asked).toBe("hers");
});

it("says that nobody answers, and that nobody is signed in", async () => {
  const unanswered = host.requestToken().catch((error) => error.code);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await unanswered).toBe(UNREACHABLE);
  for (const token of [null, "", undefined, 7]) {
    const signedOut = host.requestToken().catch((error) => error.code);
    receive({ type: "talkwire:token", token });
    expect(await signedOut).toBe(SIGNED_OUT);
  }
});

it("passes on a token that it has not asked for", () => {
  host.onToken = vi.fn();
  receive({ type: "talkwire:token", token: "his" });
  expect(host.onToken).toHaveBeenCalledExactlyOnceWith("his");
});

it("writes to the host alone where the browser names it", () => {
  expect(originsOfHost([SHOP, "self"], "https://chat.example.com", undefined)).toEqual([
    SHOP,
    "https://chat.example.com",
  ]);
  expect(originsOfHost([SHOP, "self"], "https://chat.example.com", SHOP)).toEqual([SHOP]);
  expect(originsOfHost([SHOP], "https://chat.example.com", "https://evil.example")).toEqual([]);
});
