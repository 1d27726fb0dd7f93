import { afterEach, expect, it, vi } from "vitest";
import { TokenRest } from "../src/server/token_rest.ts";

afterEach(() => vi.unstubAllGlobals());

it("a request that is to be carried out once names its key, and does not wait for ever", async () => {
  const fetched = vi.fn(async (_: URL, _request: RequestInit) => Response.json({ items: [] }));
  vi.stubGlobal("fetch", fetched);
  const rest = new TokenRest("http://localhost/", "hers", { id: "", name: "", createdAt: "" });
  await rest.postOnce("messages/1/forward", { conversationIds: ["c"] }, "first");
  await rest.post("conversations", {});
  const [once, often] = fetched.mock.calls.map(([, request]) => request);
  expect(once?.headers).toMatchObject({ "Idempotency-Key": "first" });
  expect(once?.signal).toBeInstanceOf(AbortSignal);
  expect(often?.headers).not.toHaveProperty("Idempotency-Key");
});
