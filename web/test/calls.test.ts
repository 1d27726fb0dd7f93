import { RequestError } from "@talkwire/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CallDevices } from "../src/chat/calls/call_devices";
import { Calls } from "../src/chat/calls/calls";
import type { PageCore } from "../src/chat/page_core";
import { memoryStorage } from "./memory_storage";

const line = { begin: vi.fn(), close: vi.fn(), receive: vi.fn(), restart: vi.fn() };
vi.mock("../src/chat/calls/peer_call", () => ({ PeerCall: { open: async () => line } }));

const handlers = new Map<string, (payload: object) => void>();
const sent: string[] = [];
const payloads: object[] = [];
/** Codes with which the server refuses the next commands; null: it does what it is asked. */
const refusals: (string | null)[] = [];
/** The users in the call that a conversation already has. */
let userIds: string[] = [];
const core = {
  now: { me: { id: "alice" }, conversations: {}, connected: true },
  on: (name: string, handler: (payload: object) => void) => handlers.set(name, handler),
  call: async (name: string, payload: object) => {
    sent.push(name);
    payloads.push(payload);
    const code = refusals.shift() ?? null;
    const details = code === "conflict" ? { callId: "another", userIds } : undefined;
    if (code !== null) throw new RequestError({ code, message: "No.", details });
  },
  api: { get: async () => ({ iceServers: [] }) },
} as unknown as PageCore;

beforeEach(() => {
  sent.length = 0;
  refusals.length = 0;
  userIds = ["bob"];
  line.restart.mockClear();
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

it("ends the call on the server when no peer connection is established in time", async () => {
  const calls = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  await calls.dial("talk", false);
  const state = calls.state.getState();
  const callId = state.phase === "outgoing" ? state.call.callId : "";
  handlers.get("call:accept")?.({ callId, conversationId: "talk", userId: "bob" });
  expect(calls.state.getState().phase).toBe("joining");
  await vi.advanceTimersByTimeAsync(21_000);
  expect(calls.state.getState()).toMatchObject({ phase: "over", ending: "failed" });
  expect(sent).toEqual(["call:invite", "call:hangup"]);
  expect(line.close).toHaveBeenCalledOnce();
});

it("repeats what the server may have lost when the other user's page returns to the call", async () => {
  const calls = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  await calls.dial("talk", false);
  const state = calls.state.getState();
  const callId = state.phase === "outgoing" ? state.call.callId : "";
  const accept = { callId, conversationId: "talk", userId: "bob" };
  handlers.get("call:accept")?.(accept);
  expect(line.restart).not.toHaveBeenCalled();
  handlers.get("call:accept")?.({ ...accept, data: { resumes: true } });
  expect(line.restart).toHaveBeenCalledTimes(1);
  handlers.get("call:invite")?.({ ...accept, data: { resumes: true } });
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(["call:invite", "call:accept"]);
  expect(line.restart).toHaveBeenCalledTimes(2);
});

/** A call in which sound and pictures flow, of a page that has just reconnected to a server that was restarted. */
async function afterRestart(...codes: (string | null)[]): Promise<Calls> {
  const calls = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  await calls.dial("talk", false);
  const state = calls.state.getState();
  const callId = state.phase === "outgoing" ? state.call.callId : "";
  handlers.get("call:accept")?.({ callId, conversationId: "talk", userId: "bob" });
  sent.length = 0;
  refusals.push(...codes);
  calls.connected();
  await vi.advanceTimersByTimeAsync(0);
  return calls;
}

it("joins the call that the other user's page has started again at the same moment", async () => {
  await afterRestart("not_found", "conflict");
  expect(sent).toEqual(["call:accept", "call:invite", "call:accept"]);
  expect(line.restart).toHaveBeenCalledOnce();
});

it("takes the place of the reader's own call, which a reload has left behind, and of no other", async () => {
  const calls = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  userIds = ["alice"];
  refusals.push("conflict");
  await calls.dial("talk", false);
  expect(calls.state.getState().phase).toBe("outgoing");
  expect(sent.splice(0)).toEqual(["call:invite", "call:hangup", "call:invite"]);
  calls.leave();
  userIds = ["alice", "bob"];
  refusals.push("conflict");
  await calls.dial("talk", false);
  expect(calls.state.getState()).toMatchObject({ phase: "over", ending: "elsewhere" });
  userIds = ["bob"];
  refusals.push("conflict");
  await calls.dial("talk", false);
  expect(calls.state.getState()).toMatchObject({ phase: "over", ending: "refused" });
  expect(sent).toEqual(["call:hangup", "call:invite", "call:invite"]);
});

it("takes the place of the reader's call on another device once the reader has said so", async () => {
  const calls = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  userIds = ["alice", "bob"];
  refusals.push("conflict");
  await calls.dial("talk", true);
  expect(sent.splice(0)).toEqual(["call:invite"]);
  await calls.dialInstead();
  expect(sent).toEqual(["call:hangup", "call:invite"]);
  expect(payloads.at(-2)).toMatchObject({ callId: "another", conversationId: "talk" });
  expect(calls.state.getState()).toMatchObject({ phase: "outgoing", call: { withVideo: true } });
  await calls.dialInstead();
  expect(sent).toHaveLength(2);
});

it("ends the call that it had when it was left or reloaded, as soon as it can", async () => {
  const listeners = new Map<string, () => void>();
  vi.stubGlobal("addEventListener", (name: string, listener: () => void) => listeners.set(name, listener));
  vi.stubGlobal("localStorage", memoryStorage());
  vi.stubGlobal("document", { baseURI: "https://chat.example.com/" });
  const before = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  before.started();
  await before.dial("talk", false);
  const state = before.state.getState();
  const callId = state.phase === "outgoing" ? state.call.callId : "";
  handlers.get("call:accept")?.({ callId, conversationId: "talk", userId: "bob" });
  listeners.get("pagehide")?.();
  sent.length = 0;
  const after = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  after.connected();
  expect(sent).toEqual(["call:hangup"]);
  expect(payloads.at(-1)).toMatchObject({ callId, conversationId: "talk" });
  after.connected();
  expect(sent).toHaveLength(1);
  vi.unstubAllGlobals();
});

it("tells a server that cannot help yet again", async () => {
  await afterRestart("unavailable", "not_found", "unavailable", "not_found");
  expect(sent).toEqual(["call:accept"]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sent).toEqual(["call:accept", "call:accept", "call:invite", "call:accept", "call:invite"]);
  expect(line.restart).toHaveBeenCalledOnce();
});

it("tells the server no more when the call has ended", async () => {
  const calls = await afterRestart("unavailable");
  calls.leave();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sent).toEqual(["call:accept", "call:hangup"]);
});

it("declines nothing when the page goes away while a call rings", () => {
  const listeners = new Map<string, () => void>();
  vi.stubGlobal("addEventListener", (name: string, listener: () => void) => listeners.set(name, listener));
  const calls = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  calls.started();
  handlers.get("call:invite")?.({ callId: "c", conversationId: "talk", userId: "bob", data: {} });
  expect(calls.state.getState().phase).toBe("incoming");
  listeners.get("pagehide")?.();
  expect(calls.state.getState().phase).toBe("idle");
  expect(sent).toEqual([]);
  vi.unstubAllGlobals();
});
