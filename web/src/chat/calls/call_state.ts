/**
 * The state machine of one call on this device, as a table. Time is an argument, in milliseconds. The server ends a
 * call of two users. While media still flows, the call continues: the server has only lost the connection to one of
 * them.
 */

import type { CallEndedReason } from "@talkwire/client";

export interface Call {
  readonly callId: string;
  readonly conversationId: string;
  readonly withVideo: boolean;
}

/** Why a call ended or did not start. */
export type Ending =
  | "blocked"
  | "busy"
  | "declined"
  /** The reader is in a call with them on another device, or in another tab. */
  | "elsewhere"
  | "failed"
  | "gone"
  | "hung-up"
  | "missed"
  | "no-answer"
  | "refused"
  /** The device or the browser does not allow the call. */
  | "denied"
  | "in-use"
  | "insecure"
  | "no-microphone"
  /** The code for calls could not be loaded. */
  | "not-loaded";

interface WithCall<P extends string> {
  readonly phase: P;
  readonly since: number;
  readonly call: Call;
}

export type CallState =
  | { readonly phase: "idle" }
  | WithCall<"outgoing">
  | WithCall<"incoming">
  | WithCall<"joining">
  | WithCall<"talking">
  /** `detail`: the server's message, when it refused the call. */
  | (WithCall<"over"> & { readonly ending: Ending; readonly detail: string });

export type Phase = CallState["phase"];
type Ongoing = Extract<CallState, { call: Call }>;

export type CallEvent =
  /** The reader calls, or another user calls the reader. */
  | { readonly type: "dialled" | "invited"; readonly call: Call }
  /** Both called each other, and the server took the other user's call. */
  | { readonly type: "crossed"; readonly call: Call }
  /** The other user accepted, or the reader did: on this device or on another one. */
  | { readonly type: "accepted" | "answered" | "answeredElsewhere" }
  /** Media flows. */
  | { readonly type: "connected" }
  /** The server ended the call. */
  | { readonly type: "ended"; readonly reason: CallEndedReason }
  /** The peer is gone or unreachable, or the call could not start. */
  | { readonly type: "failed"; readonly ending: Ending; readonly detail?: string }
  /** The reader hangs up, declines, or closes the message about the end. */
  | { readonly type: "left" };

type Step<State, Event> = (state: State, event: Event, nowMs: number) => CallState;
type Steps<P extends Phase> = {
  readonly [T in CallEvent["type"]]?: Step<Extract<CallState, { phase: P }>, Extract<CallEvent, { type: T }>>;
};

export const IDLE: CallState = { phase: "idle" };

const over = ({ call }: Ongoing, ending: Ending, since: number, detail = ""): CallState => ({
  phase: "over",
  call,
  since,
  ending,
  detail,
});

const begin = {
  dialled: (_: CallState, { call }: { call: Call }, since: number): CallState => ({ phase: "outgoing", call, since }),
  invited: (_: CallState, { call }: { call: Call }, since: number): CallState => ({ phase: "incoming", call, since }),
};

const leave = {
  failed: (state: Ongoing, event: { ending: Ending; detail?: string }, now: number): CallState =>
    over(state, event.ending, now, event.detail),
  left: (): CallState => IDLE,
};

const OUTGOING_ENDS: Record<CallEndedReason, Ending> = {
  cancelled: "hung-up",
  gone: "gone",
  hangup: "hung-up",
  left: "gone",
  rejected: "declined",
  timeout: "no-answer",
};

const TABLE: { readonly [P in Phase]: Steps<P> } = {
  idle: begin,
  outgoing: {
    ...leave,
    accepted: ({ call }, _, since) => ({ phase: "joining", call, since }),
    crossed: (_, { call }, since) => ({ phase: "joining", call, since }),
    ended: (state, { reason }, now) => over(state, OUTGOING_ENDS[reason], now),
  },
  incoming: {
    ...leave,
    answered: ({ call }, _, since) => ({ phase: "joining", call, since }),
    answeredElsewhere: () => IDLE,
    // A call that was declined on another device is not missed.
    ended: (state, { reason }, now) => (reason === "rejected" || reason === "left" ? IDLE : over(state, "missed", now)),
  },
  joining: {
    ...leave,
    connected: ({ call }, _, since) => ({ phase: "talking", call, since }),
    ended: (state, { reason }, now) => over(state, reason === "gone" ? "gone" : "hung-up", now),
  },
  talking: {
    ...leave,
    // A peer that is really gone closes its data channel, which causes `failed`. After a restart of the server its call
    // may have rung for a user who was talking all the time.
    ended: (state, { reason }, now) =>
      reason === "gone" || reason === "timeout" ? state : over(state, "hung-up", now),
  },
  over: { ...begin, left: () => IDLE },
};

/** Returns the state after an event; the same state when the event means nothing in it. */
export function nextState(state: CallState, event: CallEvent, nowMs: number): CallState {
  const step = (TABLE[state.phase] as Record<string, Step<CallState, CallEvent> | undefined>)[event.type];
  return step === undefined ? state : step(state, event, nowMs);
}

const SECOND_MS = 1000;
/** The server ends a ringing call sooner than this. A peer connection is established within seconds, or never. */
const TIMEOUTS_MS: Partial<Record<Phase, number>> = {
  outgoing: 120 * SECOND_MS,
  incoming: 120 * SECOND_MS,
  joining: 20 * SECOND_MS,
};
/** How long endings are shown that disappear by themselves. The others stay until the reader closes them. */
const SHOWN_MS: Partial<Record<Ending, number>> = {
  "hung-up": 6 * SECOND_MS,
  declined: 6 * SECOND_MS,
  gone: 6 * SECOND_MS,
  // Long enough to call back. The conversation and the bell say it too.
  missed: 10 * SECOND_MS,
};

/** Returns the time at which the state changes by itself; null when it does not. */
export function deadlineOf(state: CallState): number | null {
  if (state.phase === "idle") return null;
  const lasts = state.phase === "over" ? SHOWN_MS[state.ending] : TIMEOUTS_MS[state.phase];
  return lasts === undefined ? null : state.since + lasts;
}

/** Returns the state after its deadline. */
export function stateAfterTimeout(state: CallState, nowMs: number): CallState {
  const deadline = deadlineOf(state);
  if (deadline === null || nowMs < deadline) return state;
  switch (state.phase) {
    case "outgoing":
      return over(state, "no-answer", nowMs);
    case "incoming":
      return over(state, "missed", nowMs);
    case "joining":
      return over(state, "failed", nowMs);
    default:
      return IDLE;
  }
}
