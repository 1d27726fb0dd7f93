/** What this client says of a call over the server, and to whom: a user is called, and one device of theirs answers. */

import { randomId } from "../../secure_context_fallbacks";
import type { IceServersAnswer } from "../../server/payloads";
import type { Core } from "../core";
import type { Call } from "./call_state";
import type { PeerSignal } from "./peer_call";

export interface CallData {
  /** Who says it, and of signals for whom they are. */
  readonly device?: string;
  readonly to?: string;
  readonly line?: PeerSignal;
  readonly video?: boolean;
  /** The sides are talking already, and the server has to be told so anew. */
  readonly resumes?: boolean;
  readonly reason?: "busy";
}

/** Whatever another client has put there. */
export function dataOf(data: unknown): CallData {
  return typeof data === "object" && data !== null ? data : {};
}

type SignalType = "invite" | "accept" | "signal" | "reject" | "hangup";

export class CallSignaling {
  /** What this tab is called among all devices. */
  readonly device = randomId();
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Rejects with `RequestError`. */
  async send(type: SignalType, { callId, conversationId }: Call, details: CallData): Promise<void> {
    const data: CallData = { device: this.device, ...details };
    await this.#core.call(`call:${type}`, { callId, conversationId, data });
  }

  /** What is refused was said too late. */
  async trySend(type: SignalType, call: Call, details: CallData): Promise<void> {
    await this.send(type, call, details).catch(() => undefined);
  }

  /** Without them the two may still find each other. */
  iceServers(): Promise<RTCIceServer[]> {
    const answer = this.#core.api.get<IceServersAnswer>("calls/ice-servers");
    return answer.then(
      ({ iceServers }) => iceServers,
      () => [],
    );
  }
}
