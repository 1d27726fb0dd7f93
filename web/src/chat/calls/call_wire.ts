/** What this client says of a call over the server, and to whom: a user is called, and one device of theirs answers. */

import { randomId } from "../../insecure";
import type { IceServersAnswer } from "../../server/payloads";
import type { Core } from "../core";
import type { LineSignal } from "./call_line";
import type { Call } from "./call_state";

export interface CallData {
  /** Who says it, and of signals for whom they are. */
  readonly device?: string;
  readonly to?: string;
  readonly line?: LineSignal;
  readonly video?: boolean;
  /** The sides are talking already, and the server has to be told so anew. */
  readonly resumes?: boolean;
  readonly reason?: "busy";
}

/** Whatever another client has put there. */
export function dataOf(data: unknown): CallData {
  return typeof data === "object" && data !== null ? data : {};
}

type Deed = "invite" | "accept" | "signal" | "reject" | "hangup";

export class CallWire {
  /** What this tab is called among all devices. */
  readonly device = randomId();
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Rejects with `Refused`. */
  async say(deed: Deed, { callId, conversationId }: Call, said: CallData): Promise<void> {
    const data: CallData = { device: this.device, ...said };
    await this.#core.call(`call:${deed}`, { callId, conversationId, data });
  }

  /** What is refused was said too late. */
  async tell(deed: Deed, call: Call, said: CallData): Promise<void> {
    await this.say(deed, call, said).catch(() => undefined);
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
