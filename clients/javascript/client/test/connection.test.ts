import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "../src/server/connection.ts";
import { RequestError } from "../src/server/request_error.ts";
import type { Rest, Session } from "../src/server/rest.ts";

const handlers = new Map<string, (payload: unknown) => void>();
const socket = {
  connected: false,
  on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
  onAny: () => undefined,
  off: () => undefined,
  offAny: () => undefined,
  connect: vi.fn(),
  disconnect: vi.fn(),
  io: { engine: { close: vi.fn() } },
  timeout: () => ({ emitWithAck }),
};
const emitWithAck = vi.fn();
let auth: (give: (proof: object) => void) => void;
vi.mock("socket.io-client", () => ({
  io: (_: string, options: { auth: typeof auth }) => {
    auth = options.auth;
    return socket;
  },
}));

const alice: Session = { user: { id: "alice", name: "Alice", createdAt: "", kind: "person" }, accessToken: "hers" };
const bob: Session = { user: { id: "bob", name: "Bob", createdAt: "", kind: "person" }, accessToken: "his" };
const api = {
  base: "http://localhost/",
  deviceId: "phone-1",
  session: alice as Session | null,
  refresh: async () => alice,
};
const ended = vi.fn();

function connection(): Connection {
  const listener = {
    opened: () => undefined,
    lost: () => undefined,
    unreachable: () => undefined,
    received: () => undefined,
    ended,
  };
  return new Connection(api as unknown as Rest, () => "alice", listener);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  api.session = alice;
});
afterEach(() => void vi.useRealTimers());

describe("without a network", () => {
  let network: EventTarget;
  beforeEach(() => {
    network = new EventTarget();
    const listen = network.addEventListener.bind(network);
    const ignore = network.removeEventListener.bind(network);
    vi.stubGlobal("addEventListener", listen);
    vi.stubGlobal("removeEventListener", ignore);
    socket.connected = true;
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    socket.connected = false;
  });

  const goOffline = async (answer: Promise<object>) => {
    emitWithAck.mockReturnValueOnce(answer);
    network.dispatchEvent(new Event("offline"));
    await vi.advanceTimersByTimeAsync(0);
  };

  it("ends where the server does not answer", async () => {
    connection().open();
    await goOffline(Promise.reject(new Error("timeout")));
    expect(socket.io.engine.close).toHaveBeenCalledOnce();
  });

  it("stays where the server needs none", async () => {
    connection().open();
    await goOffline(Promise.resolve({ success: true }));
    expect(emitWithAck).toHaveBeenCalledOnce();
    expect(socket.io.engine.close).not.toHaveBeenCalled();
  });

  it("is not looked at once it is closed", async () => {
    const open = connection();
    open.open();
    open.close();
    await goOffline(Promise.resolve({ success: true }));
    expect(emitWithAck).not.toHaveBeenCalled();
  });
});

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
  expect(proofs[0]).toMatchObject({ token: "hers", deviceId: "phone-1" });
  api.session = bob;
  auth((proof) => proofs.push(proof));
  expect(proofs[1]).not.toHaveProperty("token");
});

describe("pauses", () => {
  const refused = (code: string, details?: object) =>
    handlers.get("connect_error")?.(Object.assign(new Error(), { data: { code, details } }));
  beforeEach(() => void vi.spyOn(Math, "random").mockReturnValue(1));
  afterEach(() => void vi.restoreAllMocks());

  async function pausesUntilConnect(): Promise<number> {
    const before = socket.connect.mock.calls.length;
    for (let ms = 0; ; ms += 100) {
      if (socket.connect.mock.calls.length > before) return ms;
      await vi.advanceTimersByTimeAsync(100);
    }
  }

  it("grow with each refusal, up to half a minute", async () => {
    connection();
    const pauses: number[] = [];
    for (let count = 0; count < 7; count++) {
      refused("unavailable");
      pauses.push(await pausesUntilConnect());
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it("are random, so that clients do not all return together", async () => {
    connection();
    vi.mocked(Math.random).mockReturnValue(0);
    refused("unavailable");
    expect(await pausesUntilConnect()).toBe(500);
  });

  it("are as long as the server asks for", async () => {
    connection();
    refused("rate_limited", { retryAfterMs: 5_000 });
    expect(await pausesUntilConnect()).toBe(5_000);
  });

  it("end at once when the reader or the network asks for it", async () => {
    const open = connection();
    refused("unavailable");
    await vi.advanceTimersByTimeAsync(100);
    open.reconnectNow();
    expect(socket.connect).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket.connect).toHaveBeenCalledOnce();
  });

  it("keep a server that ends each session from being asked without end", async () => {
    connection();
    const pauses: number[] = [];
    for (let count = 0; count < 4; count++) {
      handlers.get("connect")?.(undefined);
      handlers.get("disconnect")?.("io server disconnect");
      pauses.push(await pausesUntilConnect());
    }
    expect(pauses).toEqual([100, 1_000, 2_000, 4_000]);

    handlers.get("connect")?.(undefined);
    await vi.advanceTimersByTimeAsync(10_000);
    handlers.get("disconnect")?.("io server disconnect");
    expect(await pausesUntilConnect()).toBe(100);
  });
});
