/** A server with one stream, for tests of its authors: it loses answers, crashes and interrupts when a test says so. */

import { vi } from "vitest";
import type { Core } from "../src/core.ts";
import type { MessagePart } from "../src/messages/message_parts.ts";
import { contentOf, withParts } from "../src/messages/message_parts.ts";
import type { AppendCommand, Commands, Message } from "../src/server/payloads.ts";
import { RequestError, unreachable } from "../src/server/request_error.ts";
import { GrowingMessages } from "../src/streams/growing_messages.ts";
import { type MessageStream, openStream } from "../src/streams/message_stream.ts";
import { message } from "./samples.ts";

/** What happens to the next request: its answer is lost, the server crashes before it, or the lease has ended before it. */
export type Fault = "lost" | "crash" | "interrupt" | "busy";

const conflict = (details: object): RequestError => new RequestError({ code: "conflict", message: "No.", details });

export class StreamServer {
  readonly growing = new GrowingMessages();
  state: NonNullable<Message["state"]> = "streaming";
  parts: MessagePart[] = [];
  /** What survives a crash. */
  stored: MessagePart[] = [];
  attempt = 0;
  /** The names of the requests, in order. */
  readonly asked: string[] = [];
  readonly faults: Fault[] = [];
  /** Called while the next request is on its way. */
  meanwhile: () => void = () => undefined;
  stop: { by: string; at: string } | undefined;
  isConnected = true;
  readonly #listeners = new Set<() => void>();
  readonly #handlers: ((name: string, payload: unknown) => void)[] = [];
  #stopped: () => void = () => undefined;

  readonly core = {
    growing: this.growing,
    call: (name: string, payload: unknown) => this.#answer(name as keyof Commands, payload),
    handleMissed: () => undefined,
    onAny: (handler: (name: string, payload: unknown) => void) => this.#handlers.push(handler),
    rest: { get: async () => this.message },
    state: {
      subscribe: (listener: () => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    },
    now: this.#now(),
  } as unknown as Core;

  get message(): Message {
    return withParts(message(1, { id: "m1", state: this.state }), this.parts);
  }

  get text(): string {
    return contentOf(this.parts);
  }

  open(options: Partial<Commands["message:stream"]["payload"]> = {}): Promise<MessageStream> {
    const payload = { conversationId: "c", clientMessageId: "a", ...options };
    return openStream(this.core, payload, (part) => {
      this.#stopped = () => part.stopped?.();
    });
  }

  connect(isConnected: boolean): void {
    this.isConnected = isConnected;
    for (const listener of this.#listeners) listener();
  }

  emit(name: string, payload: unknown): void {
    for (const handler of this.#handlers) handler(name, payload);
  }

  /** The client is closed. */
  close(): void {
    this.#stopped();
  }

  store(): void {
    this.stored = structuredClone(this.parts);
  }

  #now(): unknown {
    const isConnected = (): boolean => this.isConnected;
    return {
      get connected() {
        return isConnected();
      },
    };
  }

  async #answer(name: keyof Commands, payload: unknown): Promise<unknown> {
    await Promise.resolve();
    if (!this.isConnected) throw unreachable();
    this.asked.push(name);
    const { meanwhile } = this;
    this.meanwhile = () => undefined;
    meanwhile();
    const fault = this.faults.shift();
    if (fault === "busy")
      throw new RequestError({ code: "rate_limited", message: "Wait.", details: { retryAfterMs: 200 } });
    if (fault === "crash" || fault === "interrupt") this.parts = structuredClone(this.stored);
    if (fault === "interrupt" && this.state === "streaming") this.state = "interrupted";
    const answer = this.#execute(name, payload);
    if (fault === "lost") throw unreachable();
    return { success: true, ...(answer as object), ...(this.stop !== undefined && { stop: this.stop }) };
  }

  #execute(name: keyof Commands, payload: unknown): unknown {
    if (name === "message:stream") return this.#open();
    const { attempt } = payload as { attempt: number };
    if (this.state !== "streaming") throw conflict({ reason: "ended", state: this.state });
    if (attempt !== this.attempt) throw conflict({ reason: "superseded" });
    if (name === "message:append") return this.#append(payload as AppendCommand);
    if (name === "message:rewind") return this.#rewind(payload as Commands["message:rewind"]["payload"]);
    if (name === "message:finish") return this.#finish(payload as Commands["message:finish"]["payload"]);
    return {};
  }

  #open(): unknown {
    if (!["streaming", "interrupted"].includes(this.state)) return { message: this.message };
    this.state = "streaming";
    this.attempt += 1;
    const parts = this.parts.map((part, index) => {
      return { type: part.type, length: lengthOf(part), stored: this.#storedOf(index) };
    });
    return { message: this.message, attempt: this.attempt, parts };
  }

  #append({ part: index, text, at, set, type }: AppendCommand): unknown {
    if (index > this.parts.length) throw conflict({ parts: this.parts.length });
    const before = this.parts[index];
    if (text === "" || /\p{Surrogate}|\0/u.test(text ?? ""))
      throw new RequestError({ code: "invalid_request", message: "text" });
    if (set) {
      this.parts[index] = set;
    } else if (before === undefined) {
      if (at) throw conflict({ length: 0 });
      this.parts[index] = { type: type ?? "text", text: text ?? "" };
    } else if ("text" in before && text && typeof at === "number") {
      const known = before.text.slice(at, at + text.length);
      if (at > before.text.length || !text.startsWith(known)) throw conflict({ length: before.text.length });
      this.parts[index] = { ...before, text: before.text + text.slice(known.length) };
    }
    return { length: lengthOf(this.parts[index]), stored: this.#storedOf(index) };
  }

  #storedOf(index: number): number {
    const [part, stored] = [this.parts[index], this.stored[index]];
    if (part !== undefined && "text" in part) return Math.min(lengthOf(stored), lengthOf(part));
    return JSON.stringify(part) === JSON.stringify(stored) ? 1 : 0;
  }

  #rewind({ part: index, at }: Commands["message:rewind"]["payload"]): unknown {
    const before = this.parts[index];
    if (before === undefined) throw conflict({ parts: this.parts.length });
    const splitsEmoji = "text" in before && /[\udc00-\udfff]/.test(before.text[at ?? -1] ?? "");
    if (typeof at === "number" && (splitsEmoji || at > lengthOf(before))) throw conflict({ length: lengthOf(before) });
    this.parts.length = index;
    if (typeof at === "number" && "text" in before) this.parts.push({ ...before, text: before.text.slice(0, at) });
    this.store();
    return { parts: [] };
  }

  #finish({ parts, state, error }: Commands["message:finish"]["payload"]): unknown {
    if (parts) this.parts = parts;
    if (this.text === "" && state !== "failed") throw new RequestError({ code: "invalid_request", message: "parts" });
    this.state = this.stop === undefined ? (state ?? "done") : "stopped";
    return { message: { ...this.message, ...(error && { error }) } };
  }
}

const lengthOf = (part: MessagePart | undefined): number =>
  part === undefined ? 0 : "text" in part ? part.text.length : 1;

/** Lets time pass until a promise is settled, and returns what it was settled with. */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  for (let step = 0; !isSettled && step < 10_000; step++) await vi.advanceTimersByTimeAsync(50);
  return promise;
}
