/** Why a client is not connected, and when its program is notified of that. */

import { type RequestError, TOKEN_UNAVAILABLE } from "./request_error.ts";

/** A client that has connected within this time notifies nobody. */
const NOTICED_AFTER_MS = 3_000;

export interface OutageListener {
  changed(reason: RequestError | null): void;
  /** The client has waited for some time; called once for each reason until it is connected. */
  noticed(reason: RequestError): void;
  /** Returns the reason where no attempt has ended yet. */
  unanswered(): RequestError;
}

/** The time from the beginning of an attempt to connect until the client is connected. */
export class Outage {
  readonly #listener: OutageListener;
  readonly #noticed = new Set<string>();
  #reason: RequestError | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLong = false;

  constructor(listener: OutageListener) {
    this.#listener = listener;
  }

  /** Null while the client is connected, wants to be disconnected, or has not failed yet. */
  get reason(): RequestError | null {
    return this.#reason;
  }

  /** The client starts to connect, or has lost its connection. */
  begin(): void {
    this.#timer ??= setTimeout(() => {
      this.#isLong = true;
      this.failed(this.#reason ?? this.#listener.unanswered());
    }, NOTICED_AFTER_MS);
  }

  /** An attempt failed. */
  failed(reason: RequestError): void {
    this.#set(reason);
    // A failure of the token function has been reported as it was thrown.
    const isReported = reason.code === TOKEN_UNAVAILABLE && reason.details !== undefined;
    const text = `${reason.code} ${reason.message}`;
    if (!this.#isLong || isReported || this.#noticed.has(text)) return;
    this.#noticed.add(text);
    this.#listener.noticed(reason);
  }

  /** The client is connected, or does not want to be. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isLong = false;
    this.#noticed.clear();
    this.#set(null);
  }

  #set(reason: RequestError | null): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#listener.changed(reason);
  }
}
