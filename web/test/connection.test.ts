import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Api } from "../src/server/api";
import { Connection } from "../src/server/connection";
import { RequestError } from "../src/server/request_error";
import type { Session } from "../src/server/session";

const handlers = new Map<string, (payload: unknown) => void>();
const socket = {
  connected: false,
  on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
  onAny: () => undefined,
  off: () => undefined,
  offAny: () => undefined,
  connect: vi.fn(),
  disconnect: vi.fn(),
};
let auth: (give: (proof: object) => void) => void;
vi.mock("socket.io-client", () => ({
  io: (_: string, options: { auth: typeof auth }) => {
    auth = options.auth;
    return socket;
  },
}));

const alice: Session = { user: { id: "alice", name: "Alice", createdAt: "" }, accessToken: "hers" };
const bob: Session = { user: { id: "bob", name: "Bob", createdAt: "" }, accessToken: "his" };
const api = { session: alice as Session | null, refresh: async () => alice };
const ended = vi.fn();

function connection(): Connection {
  const listener = {
    opened: () => undefined,
    lost: () => undefined,
    unreachable: () => undefined,
    received: () => undefined,
    ended,
  };
  return new Connection(api as Api, "alice", listener, "http://localhost/");
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  api.session = alice;
});
afterEach(() => void vi.useRealTimers());

it("reconnects with a new token, but not after it was closed", async () => {
  const open = connection();
  const expired = Object.assign(new Error(), { data: { code: "token_expired" } });
  handlers.get("connect_error")?.(expired);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(socket.connect).toHaveBeenCalledOnce();

  handlers.get("connect_error")?.(expired);
  await vi.advanceTimersByTimeAsync(500);
  open.close();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(socket.connect).toHaveBeenCalledOnce();
});

it("reports nothing about a session that was left before its end was known", async () => {
  api.refresh = async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    throw new RequestError({ code: "unauthenticated", message: "" });
  };
  const open = connection();
  handlers.get("connect_error")?.(Object.assign(new Error(), { data: { code: "token_expired" } }));
  open.close();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ended).not.toHaveBeenCalled();
});

it("never continues as another user who has signed in in another tab", async () => {
  connection();
  const proofs: object[] = [];
  auth((proof) => proofs.push(proof));
  expect(proofs[0]).toMatchObject({ token: "hers" });
  api.session = bob;
  auth((proof) => proofs.push(proof));
  expect(proofs[1]).not.toHaveProperty("token");
});
