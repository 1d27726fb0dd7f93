/**
 * The page of the application that shows this page in a frame (docs/embedding-the-web-client.md). Messages come from
 * and go to the origins that the server allows, and no others.
 */

import { RequestError, UNREACHABLE } from "@talkwire/client";
import { createContext, useContext } from "react";
import { texts } from "../texts";
import { isFramed } from "./framed";

/** What the host knows of the chat. */
export type HostState = "connecting" | "online" | "offline" | "ended";

/** What the host may change while the page is open. */
export interface HostOptions {
  readonly conversation?: unknown;
  readonly theme?: unknown;
  readonly compact?: unknown;
}

type MessageToHost =
  | { type: "talkwire:token-please" }
  | { type: "talkwire:state"; state: HostState }
  | { type: "talkwire:unread"; count: number };

/** Long enough for an application that signs in first. */
const ANSWER_MS = 15_000;

/** The code of a host's answer that nobody is signed in. */
export const SIGNED_OUT = "signed_out";

export class Host {
  /** Called with a token that this page has not asked for: the application's user has changed. */
  onToken: (token: string) => void = () => undefined;
  onOptions: (options: HostOptions) => void = () => undefined;
  readonly #parent: Window;
  readonly #origins: readonly string[];
  readonly #waiting = new Set<(token: string | null) => void>();

  constructor(origins: readonly string[], parent: Window = window.parent) {
    this.#parent = parent;
    this.#origins = origins;
    addEventListener("message", this.#received);
  }

  close(): void {
    removeEventListener("message", this.#received);
  }

  post(message: MessageToHost): void {
    // A message to an origin that is not the host's is not delivered, and a browser may complain about it.
    for (const origin of this.#origins) this.#parent.postMessage(message, origin);
  }

  /**
   * Returns a new token of the application's user. Rejects with `RequestError`: `UNREACHABLE` without an answer,
   * `SIGNED_OUT` when nobody is signed in.
   */
  requestToken(waitMs = ANSWER_MS): Promise<string> {
    return new Promise((resolve, reject) => {
      const answered = (token: string | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(answered);
        if (token === null) reject(new RequestError({ code: SIGNED_OUT, message: texts.byToken.signedOut }));
        else resolve(token);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(answered);
        reject(new RequestError({ code: UNREACHABLE, message: texts.byToken.unanswered }));
      }, waitMs);
      this.#waiting.add(answered);
      this.post({ type: "talkwire:token-please" });
    });
  }

  readonly #received = ({ source, origin, data }: MessageEvent): void => {
    if (source !== this.#parent || !this.#origins.includes(origin)) return;
    if (typeof data !== "object" || data === null) return;
    if (data.type === "talkwire:options") this.onOptions(data as HostOptions);
    if (data.type !== "talkwire:token") return;
    const token = typeof data.token === "string" && data.token !== "" ? data.token : null;
    if (this.#waiting.size > 0) for (const answered of [...this.#waiting]) answered(token);
    else if (token !== null) this.onToken(token);
  };
}

/**
 * Returns the origins with which this page exchanges messages: the host's, if the server allows it and the browser
 * names it; else all that the server allows.
 */
export function originsOfHost(allowed: readonly string[], own: string, named: string | undefined): readonly string[] {
  const origins = allowed.map((origin) => (origin === "self" ? own : origin));
  return named === undefined ? origins : origins.filter((origin) => origin === named);
}

/** Returns the host; null outside a frame, and in a frame of a page that the server does not allow. */
export function hostOf(allowed: readonly string[]): Host | null {
  if (!isFramed) return null;
  // Not in every browser.
  const ancestors = (location as { ancestorOrigins?: DOMStringList }).ancestorOrigins;
  const origins = originsOfHost(allowed, location.origin, ancestors?.[0]);
  return origins.length === 0 ? null : new Host(origins);
}

export const HostContext = createContext<Host | null>(null);

/** Returns the page around the frame; null where there is none. */
export function useHost(): Host | null {
  return useContext(HostContext);
}
