import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CallDevices } from "../src/chat/calls/call_devices";
import { Calls } from "../src/chat/calls/calls";
import type { PageCore } from "../src/chat/page_core";

const line = { begin: vi.fn(), close: vi.fn(), receive: vi.fn(), restart: vi.fn() };
vi.mock("../src/chat/calls/peer_call", () => ({ PeerCall: { open: async () => line } }));

const handlers = new Map<string, (payload: object) => void>();
const said: string[] = [];
const core = {
  now: { me: { id: "alice" }, conversations: {} },
  on: (name: string, handler: (payload: object) => void) => handlers.set(name, handler),
  call: async (name: string) => said.push(name),
  api: { get: async () => ({ iceServers: [] }) },
} as unknown as PageCore;

beforeEach(() => {
  said.length = 0;
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
  expect(said).toEqual(["call:invite", "call:hangup"]);
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
  expect(said).toEqual(["call:invite", "call:accept"]);
  expect(line.restart).toHaveBeenCalledTimes(2);
});
