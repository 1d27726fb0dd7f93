import { describe, expect, it } from "vitest";
import {
  type Call,
  type CallEvent,
  type CallState,
  deadlineOf,
  type Ending,
  IDLE,
  nextState,
  type Phase,
  stateAfterTimeout,
} from "../src/chat/calls/call_state";

const CALL: Call = { callId: "1", conversationId: "c", withVideo: false };
const OTHER: Call = { callId: "2", conversationId: "c", withVideo: true };
const NOW = 5_000;

const over = (ending: Ending): CallState => ({ phase: "over", call: CALL, since: 0, ending, detail: "" });
const going = (phase: "outgoing" | "incoming" | "joining" | "talking", since = 0): CallState => ({
  phase,
  call: CALL,
  since,
});
const STATES: Record<Phase, CallState> = {
  idle: IDLE,
  outgoing: going("outgoing"),
  incoming: going("incoming"),
  joining: going("joining"),
  talking: going("talking"),
  over: over("hung-up"),
};

const EVENTS: Record<string, CallEvent> = {
  dialled: { type: "dialled", call: CALL },
  invited: { type: "invited", call: CALL },
  crossed: { type: "crossed", call: OTHER },
  accepted: { type: "accepted" },
  answered: { type: "answered" },
  answeredElsewhere: { type: "answeredElsewhere" },
  connected: { type: "connected" },
  "ended: cancelled": { type: "ended", reason: "cancelled" },
  "ended: gone": { type: "ended", reason: "gone" },
  "ended: hangup": { type: "ended", reason: "hangup" },
  "ended: left": { type: "ended", reason: "left" },
  "ended: rejected": { type: "ended", reason: "rejected" },
  "ended: timeout": { type: "ended", reason: "timeout" },
  failed: { type: "failed", ending: "denied" },
  left: { type: "left" },
};

// The transitions of each phase; events that are missing here change nothing.
const LEADS: Record<Phase, Record<string, string>> = {
  idle: { dialled: "outgoing", invited: "incoming" },
  outgoing: {
    crossed: "joining",
    accepted: "joining",
    "ended: cancelled": "over: hung-up",
    "ended: gone": "over: gone",
    "ended: hangup": "over: hung-up",
    "ended: left": "over: gone",
    "ended: rejected": "over: declined",
    "ended: timeout": "over: no-answer",
    failed: "over: denied",
    left: "idle",
  },
  incoming: {
    answered: "joining",
    answeredElsewhere: "idle",
    "ended: cancelled": "over: missed",
    "ended: gone": "over: missed",
    "ended: hangup": "over: missed",
    "ended: left": "idle",
    "ended: rejected": "idle",
    "ended: timeout": "over: missed",
    failed: "over: denied",
    left: "idle",
  },
  joining: {
    connected: "talking",
    "ended: cancelled": "over: hung-up",
    "ended: gone": "over: gone",
    "ended: hangup": "over: hung-up",
    "ended: left": "over: hung-up",
    "ended: rejected": "over: hung-up",
    "ended: timeout": "over: hung-up",
    failed: "over: denied",
    left: "idle",
  },
  talking: {
    "ended: cancelled": "over: hung-up",
    "ended: hangup": "over: hung-up",
    "ended: left": "over: hung-up",
    "ended: rejected": "over: hung-up",
    failed: "over: denied",
    left: "idle",
  },
  over: { dialled: "outgoing", invited: "incoming", left: "idle" },
};

const named = (state: CallState): string => (state.phase === "over" ? `over: ${state.ending}` : state.phase);

describe.each(Object.keys(STATES) as Phase[])("a call that is %s", (phase) => {
  it.each(Object.keys(EVENTS))("handles the event %s", (name) => {
    const state = STATES[phase];
    const leads = LEADS[phase][name];
    const next = nextState(state, EVENTS[name] as CallEvent, NOW);
    if (leads === undefined) expect(next).toBe(state);
    else expect(named(next)).toBe(leads);
    if (leads !== undefined && next.phase !== "idle") expect(next.since).toBe(NOW);
  });
});

it("keeps the server's message, and the call that replaced the reader's own", () => {
  const refused = nextState(going("outgoing"), { type: "failed", ending: "refused", detail: "You are muted." }, NOW);
  expect(refused).toMatchObject({ call: CALL, detail: "You are muted." });
  expect(nextState(going("outgoing"), { type: "crossed", call: OTHER }, NOW)).toMatchObject({ call: OTHER });
});

describe("time", () => {
  it.each<[CallState, number, string]>([
    [going("outgoing", NOW), 120_000, "over: no-answer"],
    [going("incoming", NOW), 120_000, "over: missed"],
    [going("joining", NOW), 20_000, "over: failed"],
    [{ ...over("hung-up"), since: NOW } as CallState, 6_000, "idle"],
    [{ ...over("declined"), since: NOW } as CallState, 6_000, "idle"],
    [{ ...over("missed"), since: NOW } as CallState, 10_000, "idle"],
  ])("ends %s", (state, lasts, leads) => {
    expect(deadlineOf(state)).toBe(NOW + lasts);
    expect(stateAfterTimeout(state, NOW + lasts - 1)).toBe(state);
    expect(named(stateAfterTimeout(state, NOW + lasts))).toBe(leads);
  });

  it("does not end a call or remove a message that the reader has to close", () => {
    for (const state of [IDLE, going("talking"), over("no-answer"), over("denied")]) {
      expect(deadlineOf(state)).toBeNull();
      expect(stateAfterTimeout(state, NOW * 1000)).toBe(state);
    }
  });
});
