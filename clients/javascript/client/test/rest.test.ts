import { afterEach, expect, it, vi } from "vitest";
import { TokenRest } from "../src/server/token_rest.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("an address has a token for files, which is renewed late in its life, and after a failure", async () => {
  vi.useFakeTimers();
  let issued = 0;
  const fetched = vi.fn(async () => Response.json({ token: `address.${++issued}`, expiresIn: 3600 }));
  vi.stubGlobal("fetch", fetched);
  const rest = new TokenRest("http://localhost/", "hers", { id: "", name: "", createdAt: "", kind: "person" });
  const address = (): string => rest.authenticatedUrl("/api/v1/files/1/a.png");
  expect(address()).toBe("http://localhost/api/v1/files/1/a.png");
  await Promise.all([rest.renewAddressToken(), rest.renewAddressToken(true)]);
  expect(address()).toBe("http://localhost/api/v1/files/1/a.png?token=address.1");
  vi.advanceTimersByTime(39 * 60_000);
  await rest.renewAddressToken();
  expect(issued).toBe(1);
  for (let failures = 0; failures < 3; failures++) await rest.renewAddressToken(true);
  expect(issued).toBe(2);
  vi.advanceTimersByTime(41 * 60_000);
  await rest.renewAddressToken();
  expect(address()).toContain("address.3");
  fetched.mockRejectedValueOnce(new TypeError("no network"));
  vi.advanceTimersByTime(41 * 60_000);
  await rest.renewAddressToken();
  expect(address()).toContain("address.3");
});

it("a request that is to be carried out once names its key, and does not wait for ever", async () => {
  const fetched = vi.fn(async (_: URL, _request: RequestInit) => Response.json({ items: [] }));
  vi.stubGlobal("fetch", fetched);
  const rest = new TokenRest("http://localhost/", "hers", { id: "", name: "", createdAt: "", kind: "person" });
  await rest.postOnce("messages/1/forward", { conversationIds: ["c"] }, "first");
  await rest.post("conversations", {});
  const [once, often] = fetched.mock.calls.map(([, request]) => request);
  expect(once?.headers).toMatchObject({ "Idempotency-Key": "first" });
  expect(once?.signal).toBeInstanceOf(AbortSignal);
  expect(often?.headers).not.toHaveProperty("Idempotency-Key");
});
