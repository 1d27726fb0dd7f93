/** Sends a call's commands to the server. A call reaches a user, and one device of that user answers it. */

import type { IceServersAnswer } from "@talkwire/client";
import { randomId } from "@talkwire/client/parts";
import type { PageCore } from "../page_core";
import type { Call } from "./call_state";
import type { PeerSignal } from "./peer_call";

export interface CallData {
  /** The sender's device, and the device that a signal is for. */
  readonly device?: string;
  readonly to?: string;
  readonly line?: PeerSignal;
  readonly video?: boolean;
  /** The peers are still connected, and the server has to learn about the call again. */
  readonly resumes?: boolean;
  readonly reason?: "busy";
}

/** Returns the data that another client has sent, which may be anything. */
export function dataOf(data: unknown): CallData {
  return typeof data === "object" && data !== null ? data : {};
}

type SignalType = "invite" | "accept" | "signal" | "reject" | "hangup";

export class CallSignaling {
  /** This tab's id among all devices. */
  readonly device = randomId();
  readonly #core: PageCore;

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** Rejects with `RequestError`. */
  async send(type: SignalType, { callId, conversationId }: Call, details: CallData): Promise<void> {
    const data: CallData = { device: this.device, ...details };
    await this.#core.call(`call:${type}`, { callId, conversationId, data });
  }

  /** Ignores errors: a refused signal came too late. */
  async trySend(type: SignalType, call: Call, details: CallData): Promise<void> {
    await this.send(type, call, details).catch(() => undefined);
  }

  /** Returns no servers when the request fails; the peers may still connect directly. */
  iceServers(): Promise<RTCIceServer[]> {
    const answer = this.#core.api.get<IceServersAnswer>("calls/ice-servers");
    return answer.then(
      ({ iceServers }) => iceServers,
      () => [],
    );
  }
}
