import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CallDevices } from "../src/chat/calls/call_devices";
import { Calls } from "../src/chat/calls/calls";
import type { PageCore } from "../src/chat/page_core";
import { texts } from "../src/texts";

vi.mock("../src/chat/calls/peer_call", () => {
  throw new Error("Failed to fetch dynamically imported module");
});

const core = {
  now: { me: { id: "alice" }, conversations: {}, connected: true },
  on: () => undefined,
  call: async () => undefined,
  api: { get: async () => ({ iceServers: [] }) },
} as unknown as PageCore;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("a call whose code cannot be loaded does not blame a firewall", async () => {
  const calls = new Calls(core, new CallDevices({} as Storage, "https://chat.example.com/"));
  await calls.dial("talk", false);
  const state = calls.state.getState();
  expect(state).toMatchObject({ phase: "over", ending: "not-loaded" });
  expect(texts.calls.ended["not-loaded"]?.("", "")).toContain("couldn't be loaded");
});
