/**
 * One call as this device sees it, as a table: in which phase what leads where. Time is an argument, in milliseconds. A
 * call between two is over when the server says so, except while sound and pictures still flow: then only the server has lost
 * sight of somebody, who will be back.
 */

import type { CallEndedReason } from "../../server/payloads";

export interface Call {
  readonly callId: string;
  readonly conversationId: string;
  readonly withVideo: boolean;
}

/** Why there is no call any more, or none came about. */
export type Ending =
  | "busy"
  | "declined"
  | "failed"
  | "gone"
  | "hung-up"
  | "missed"
  | "no-answer"
  | "refused"
  /** What the device or the reader's browser does not give. */
  | "denied"
  | "in-use"
  | "insecure"
  | "no-microphone";

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
  /** `detail`: what the server said, where it refused. */
  | (WithCall<"over"> & { readonly ending: Ending; readonly detail: string });

export type Phase = CallState["phase"];
type Ongoing = Extract<CallState, { call: Call }>;

export type CallEvent =
  /** The reader calls, or somebody calls them. */
  | { readonly type: "dialled" | "invited"; readonly call: Call }
  /** Both called at once, and the server took the other one's call. */
  | { readonly type: "crossed"; readonly call: Call }
  /** The other one accepted, or the reader did: on this device, or on another. */
  | { readonly type: "accepted" | "answered" | "answeredElsewhere" }
  /** Sound and pictures flow. */
  | { readonly type: "connected" }
  /** The server says that it is over. */
  | { readonly type: "ended"; readonly reason: CallEndedReason | "busy" }
  /** The other one is not there any more, or could not be reached; or no call came about. */
  | { readonly type: "failed"; readonly ending: Ending; readonly detail?: string }
  /** The reader hangs up, declines, or has read how it ended. */
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

const OUTGOING_ENDS: Record<CallEndedReason | "busy", Ending> = {
  busy: "busy",
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
    // Who declined on another device has not missed it.
    ended: (state, { reason }, now) => (reason === "rejected" || reason === "left" ? IDLE : over(state, "missed", now)),
  },
  joining: {
    ...leave,
    connected: ({ call }, _, since) => ({ phase: "talking", call, since }),
    ended: (state, { reason }, now) => over(state, reason === "gone" ? "gone" : "hung-up", now),
  },
  talking: {
    ...leave,
    // Whoever is really gone takes their end of the line along, which `failed` says.
    ended: (state, { reason }, now) => (reason === "gone" ? state : over(state, "hung-up", now)),
  },
  over: { ...begin, left: () => IDLE },
};

/** What it is after an event; the same, where the event means nothing then. */
export function nextState(state: CallState, event: CallEvent, nowMs: number): CallState {
  const step = (TABLE[state.phase] as Record<string, Step<CallState, CallEvent> | undefined>)[event.type];
  return step === undefined ? state : step(state, event, nowMs);
}

const SECOND_MS = 1000;
/** The server ends what rings, sooner than this; a connection is there within seconds, or not at all. */
const TIMEOUTS_MS: Partial<Record<Phase, number>> = {
  outgoing: 120 * SECOND_MS,
  incoming: 120 * SECOND_MS,
  joining: 20 * SECOND_MS,
};
const SHOWN_MS = 6 * SECOND_MS;
/** What somebody has to know of stays until they have read it. */
const TRANSIENT_ENDINGS: ReadonlySet<Ending> = new Set(["hung-up", "declined", "gone"]);

/** When time alone changes it; null: never. */
export function deadlineOf(state: CallState): number | null {
  if (state.phase === "idle") return null;
  if (state.phase === "over") return TRANSIENT_ENDINGS.has(state.ending) ? state.since + SHOWN_MS : null;
  const lasts = TIMEOUTS_MS[state.phase];
  return lasts === undefined ? null : state.since + lasts;
}

/** What it is when its time has come. */
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
