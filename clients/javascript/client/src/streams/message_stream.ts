/// <reference lib="esnext.disposable" preserve="true" />
/** Writes a message while others read it. Loaded with the first stream. */

import type { ChatPart, Core } from "../core.ts";
import { given } from "../given.ts";
import type { MessagePart } from "../messages/message_parts.ts";
import { pauseAfter } from "../server/pauses.ts";
import type { Commands, FinishCommand, GeneratedBody, Message, MessageDelta, StreamError } from "../server/payloads.ts";
import { RequestError, UNREACHABLE } from "../server/request_error.ts";
import { type Piece, type WholePart, WrittenParts, wellFormed } from "./written_parts.ts";

/** The server joins what comes more often. */
const APPEND_EVERY_MS = 50;
/** `text` waits while the server lacks more than this, in UTF-16 code units. */
const WAITING_MAX = 16 * 1024;
const LEASE_S = 15;
/** The lease is renewed so often while it lasts. */
const KEEPS = 3;
const ERROR_CODE_MAX = 64;
const ERROR_MESSAGE_MAX = 500;

/** Options of `Room.stream`. */
export interface StreamOptions {
  /** The id of the message that it replies to. */
  readonly replyTo?: string;
  /** The id of the first message of the thread that it belongs to. */
  readonly threadId?: string;
  /** Any JSON object, for the application's use. */
  readonly metadata?: Record<string, unknown>;
  /**
   * Names the stream, so that a program that was restarted continues it: the same options within an hour of the
   * interruption return the stream with the parts that are there.
   */
  readonly clientMessageId?: string;
  /** Seconds after which the server interrupts the stream if the program is gone: 5 to 300, by default 15. */
  readonly leaseS?: number;
  /** Opens it only if this is the `seq` of the conversation's newest message then. Otherwise as with `Room.send`. */
  readonly ifLastSeq?: number;
  /** Opens it only if this user handles the conversation then, or nobody for null. */
  readonly ifHandler?: string | null;
  /** How an agent writes it: the name of the `model`. */
  readonly generated?: GeneratedBody;
  /** The id of the agent's owner, in whose name it writes. */
  readonly onBehalfOf?: string;
}

/** How a stream ends. */
export interface FinishOptions {
  /** Parts in place of all that was written. */
  readonly parts?: readonly MessagePart[];
  /** Files that were uploaded before. */
  readonly attachments?: NonNullable<FinishCommand["attachments"]>;
  /** Why it has failed. The message is then `failed`. */
  readonly error?: StreamError;
  /** Of an agent's turn: whether the turn continues after this message. By default as the options of `Turn.stream` say. */
  readonly more?: boolean;
}

/** Somebody has asked the author to stop. */
export interface StopRequest {
  /** The id of the user. */
  readonly by: string;
  readonly at: string;
}

/** @internal What a message is written for. It is notified of what concerns it. */
export interface StreamOwner {
  /** The server has renewed the lease after this time. */
  renewed(sentMs: number): void;
  stopping(stop: StopRequest): void;
  /** Nothing more is written: the message was finished, or `why`. `hasMore`: there will be more messages. */
  streamEnded(message: Message | undefined, why: RequestError, hasMore: boolean): void;
}

type Writes = "message:append" | "message:rewind" | "message:keep" | "message:finish";
type Write<Name extends Writes> = Omit<Commands[Name]["payload"], "messageId" | "attempt">;

/** What a conflict says. */
interface Conflict {
  readonly reason?: string;
  readonly state?: Message["state"];
  readonly length?: number;
  readonly parts?: number;
}

/**
 * A message that this program writes while others read it. `Room.stream` returns it.
 *
 * What is written is joined and sent at most 20 times a second. It is sent again after a lost connection, and the stream is
 * opened again where the server has interrupted it meanwhile, so that each character is there once. Methods reject with
 * `RequestError` when the server refuses something, another program writes the message (`superseded` in `details`), or its
 * stream has ended.
 */
export class MessageStream {
  readonly #core: Core;
  readonly #options: Commands["message:stream"]["payload"];
  /** Whether the agent's turn continues after this message. */
  #more: boolean | undefined;
  readonly #owner: StreamOwner | undefined;
  readonly #written = new WrittenParts();
  readonly #aborting = new AbortController();
  readonly #leaseMs: number;
  #message: Message | undefined;
  #attempt = 0;
  /** The last request, after which the next one is sent. */
  #last: Promise<unknown> = Promise.resolve();
  #isSending = false;
  #isFinishing = false;
  #isOver = false;
  #isRewinding: Promise<void> | undefined;
  #failure: RequestError | undefined;
  #stop: StopRequest | null = null;
  #appendedAt = 0;
  /** How often a write was sent. */
  #calls = 0;
  #keepTimer: ReturnType<typeof setTimeout> | undefined;
  /** Called when the server has received something, or the stream is over. */
  readonly #waiting = new Set<() => void>();

  /** @internal */
  constructor(core: Core, options: Commands["message:stream"]["payload"], owner?: StreamOwner) {
    this.#core = core;
    this.#options = options;
    this.#owner = owner;
    this.#more = options.more;
    this.#leaseMs = (options.leaseS ?? LEASE_S) * 1000;
  }

  /** The message's id. */
  get id(): string {
    return this.message.id;
  }

  /** The message as it was when it was opened, or has ended. */
  get message(): Message {
    return this.#message as Message;
  }

  /** What was written so far; at first what an earlier program has written under the same `clientMessageId`. */
  get parts(): readonly MessagePart[] {
    return this.#written.parts;
  }

  /**
   * Aborts when nothing more is wanted: somebody has asked to stop (`stopped`), or the stream is over. Pass it to what
   * makes the text.
   */
  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  /** Who has asked to stop, and when; null if nobody has. Then finish the message: it keeps its text. */
  get stopped(): StopRequest | null {
    return this.#stop;
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /**
   * Adds to the text, which is Markdown. Resolves at once, or when the server has received most of what was written before.
   */
  text(text: string): Promise<void> {
    return this.#write(() => this.#written.add("text", text));
  }

  /** Adds to the reasoning. After a text, it begins a part of its own. */
  reasoning(text: string): Promise<void> {
    return this.#write(() => this.#written.add("reasoning", text));
  }

  /**
   * Adds a part that is no text, or puts another value in its place: a tool whose `state` changes, a plan. `key` is a name
   * of your choice for the part, or the index of one that is there.
   */
  set(key: string | number, part: WholePart): Promise<void> {
    return this.#write(() => this.#written.set(key, part));
  }

  /**
   * Removes what was written last: keeps the parts before `part`, and of it the first `at` UTF-16 code units. Without `at`,
   * the part is removed too. Resolves when that is stored.
   */
  async rewind(part: number, at?: number): Promise<void> {
    this.#check();
    // An empty text is no part.
    const done = this.#inTurn(() => this.#rewind(part, at || undefined));
    this.#isRewinding = done.catch(() => undefined);
    await done;
  }

  /**
   * Ends the stream, and returns the message when it is stored with all that was written. The message is `done`, with an
   * `error` `failed`, and `stopped` if somebody has asked for that.
   */
  async finish({ parts, attachments, error, more = this.#more }: FinishOptions = {}): Promise<Message> {
    // The server has ended it, since it was to stop.
    if (conflictOf(this.#failure).state === "stopped") return this.#core.rest.get<Message>(`messages/${this.id}`);
    this.#check();
    this.#isFinishing = true;
    this.#more = more;
    this.#written.endText();
    const state = error === undefined ? "done" : "failed";
    try {
      return await this.#inTurn(() =>
        this.#finish({ state, ...given({ parts, attachments, error, more }) } as FinishCommand),
      );
    } finally {
      this.#isFinishing = false;
    }
  }

  /**
   * Ends the stream as `failed`, with the text that is there. `error` is what the message then says: a code and a message
   * for people, or an `Error`, whose message everybody reads.
   */
  fail(error: StreamError | Error): Promise<Message> {
    // What the server has refused is not sent again.
    if (this.#failure !== undefined && !this.#isOver) {
      this.#failure = undefined;
      this.#written.dropWaiting();
    }
    return this.finish({ error: errorOf(error) });
  }

  /** Writes nothing more. The server interrupts the stream when its lease ends, and it can be continued for an hour. */
  close(): void {
    this.#end(new RequestError({ code: "closed", message: "The stream was closed." }));
  }

  /** Ends a stream that was not finished as `failed`: the block was left by an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    await this.fail({ code: "unfinished", message: "The author has not finished this message." }).catch(
      () => undefined,
    );
    this.close();
  }

  async #write(change: () => void): Promise<void> {
    await this.#isRewinding;
    this.#check();
    change();
    void this.#sendAll();
    while (this.#written.waiting > WAITING_MAX && !this.#isOver && this.#failure === undefined)
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isFinishing) throw new RequestError({ code: "closed", message: "The stream is being finished." });
  }

  // --- sending ------------------------------------------------------------------------------------------------------

  /** @internal Opens the stream, or takes over one that is open or interrupted. */
  async open(): Promise<void> {
    const {
      message,
      attempt,
      parts = [],
    } = await this.#persistently(() => this.#core.call("message:stream", this.#options));
    this.#message = message;
    if (attempt === undefined) throw this.#end(ended(message.state));
    this.#attempt = attempt;
    if (!this.#written.opened(message, parts)) throw this.#end(foreign());
    this.#keepLater();
  }

  async #sendAll(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#written.next() !== null) await this.#inTurn(() => this.#sendNext());
    } catch {
      // The next call of the author rejects.
    } finally {
      this.#isSending = false;
    }
  }

  /** Runs requests one after the other. The first one that is refused is the last one. */
  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(work);
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #sendNext(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await pause(this.#appendedAt + APPEND_EVERY_MS - Date.now());
    const piece = this.#written.next();
    if (piece === null) return;
    this.#appendedAt = Date.now();
    try {
      const { length, stored } = await this.#request("message:append", piece.payload);
      this.#written.accepted(piece, length, stored);
      if (!piece.isCheck) this.#show(piece);
      this.#wake();
    } catch (error) {
      await this.#recover(error, piece.payload.part, piece.payload.at ?? undefined);
    }
  }

  /** Shows a piece in this client: the server sends deltas to the author's other connections only. */
  #show({ payload }: Piece): void {
    const { id: messageId, conversationId } = this.message;
    const { growing } = this.#core;
    if (growing.has(messageId)) growing.receive({ messageId, conversationId, ...payload } as MessageDelta);
    else for (const [part, value] of this.#written.received.entries()) this.#showWhole(part, value);
  }

  #showWhole(part: number, value: MessagePart, drop = false): void {
    const { id: messageId, conversationId } = this.message;
    const whole = "text" in value ? { text: value.text, type: value.type } : { set: value };
    this.#core.growing.receive({ messageId, conversationId, part, replace: true, drop, ...whole });
  }

  async #rewind(part: number, at: number | undefined): Promise<void> {
    if (!this.#written.has(part, at))
      throw new RequestError({ code: "invalid_request", message: "There is no such part, or it is shorter." });
    for (;;) {
      await this.#sendWaiting();
      try {
        await this.#request("message:rewind", { part, ...given({ at }) });
        break;
      } catch (error) {
        const { parts, length } = conflictOf(error);
        // An attempt whose answer was lost has removed it.
        if (at === undefined && parts === part) break;
        if (isInvalid(error) || (at !== undefined && (length ?? 0) >= at)) throw error;
        await this.#recover(error, part, at);
      }
    }
    this.#written.rewind(part, at);
    const left = this.#written.parts[part];
    const { id: messageId, conversationId } = this.message;
    if (left !== undefined) this.#showWhole(part, left, true);
    else this.#core.growing.receive({ messageId, conversationId, part, drop: true });
  }

  async #finish({ parts, ...wanted }: FinishCommand): Promise<Message> {
    for (;;) {
      await this.#sendWaiting();
      const calls = this.#calls;
      // The node that has received the text may be gone before it has stored the text.
      const all = parts ?? (this.#written.isStored ? undefined : withoutBlanks(this.#written.parts));
      try {
        const { message } = await this.#request("message:finish", { ...wanted, ...given({ parts: all }) });
        return this.#finished(message);
      } catch (error) {
        const { reason, state } = conflictOf(error);
        // A request whose answer was lost has ended it, or the server has, since it was to stop.
        const isMine = state === wanted.state && this.#calls > calls + 1;
        if (reason === "ended" && (isMine || state === "stopped")) return this.#finished(await this.#stored());
        if (isInvalid(error)) throw error;
        await this.#recover(error);
      }
    }
  }

  #finished(message: Message): Message {
    this.#message = message;
    this.#end(new RequestError({ code: "closed", message: "The stream was finished." }), false, message);
    this.#core.handleMissed("message:updated", message);
    return message;
  }

  #stored(): Promise<Message> {
    return this.#persistently(() => this.#core.rest.get<Message>(`messages/${this.id}`));
  }

  async #sendWaiting(): Promise<void> {
    while (this.#written.next() !== null) await this.#sendNext();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Sends a command of the author, again after a lost answer. */
  async #request<Name extends Writes>(name: Name, write: Write<Name>): Promise<Commands[Name]["reply"]> {
    const reply = await this.#persistently(() => {
      this.#calls += 1;
      const payload = { ...write, messageId: this.id, attempt: this.#attempt } as unknown;
      return this.#core.call(name, payload as Commands[Name]["payload"]);
    });
    const { stop } = reply as { readonly stop?: StopRequest };
    if (stop !== undefined) this.stopping(stop);
    this.#keepLater();
    return reply;
  }

  /** Repeats a request while the server cannot be reached or limits the rate. */
  async #persistently<Answer>(request: () => Promise<Answer>): Promise<Answer> {
    for (let failures = 0; ; failures++) {
      await this.#connected();
      if (this.#isOver) throw this.#failure;
      try {
        const sentMs = Date.now();
        const answer = await request();
        this.#owner?.renewed(sentMs);
        return answer;
      } catch (error) {
        if (!(error instanceof RequestError) || !error.isTransient) throw error;
        const isLost = error.code === UNREACHABLE && !this.#core.now.connected;
        if (!isLost) await pause(error.retryAfterMs || pauseAfter(failures, error));
      }
    }
  }

  /** Prepares to send again what the server does not have. Rejects with an error after which nothing can be written. */
  async #recover(error: unknown, part = 0, at?: number): Promise<void> {
    if (!(error instanceof RequestError)) throw error;
    const { reason, state, length, parts } = conflictOf(error);
    if (reason === "ended" && state === "interrupted") {
      return this.open().catch((refusal) => {
        throw this.#end(refusal);
      });
    }
    if (parts !== undefined && parts <= part && this.#written.hasOnlyParts(parts)) return;
    // Otherwise the server has another text.
    if (length !== undefined && length < (at ?? 0) && this.#written.hasOnly(part, length)) return;
    if (reason === "superseded" || reason === "ended" || reason === "no_stream") throw this.#end(error);
    this.#failure ??= error;
    this.#aborting.abort(error);
    this.#wake();
    throw error;
  }

  /** Renews the lease when nothing is written for a third of it. */
  #keepLater(): void {
    clearTimeout(this.#keepTimer);
    if (this.#isOver) return;
    this.#keepTimer = setTimeout(() => void this.#keep(), this.#leaseMs / KEEPS);
  }

  async #keep(): Promise<void> {
    const work = async (): Promise<void> => {
      if (this.#failure !== undefined) return;
      await this.#request("message:keep", {}).catch((error) => this.#recover(error));
    };
    await this.#inTurn(work).catch(() => undefined);
    // What was lost meanwhile is sent again.
    if (this.#failure === undefined) void this.#sendAll();
  }

  #connected(): Promise<void> {
    const { state } = this.#core;
    if (this.#core.now.connected || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        this.#waiting.add(check);
        if (!this.#core.now.connected && !this.#isOver) return;
        unsubscribe();
        this.#waiting.delete(check);
        resolve();
      };
      const unsubscribe = state.subscribe(check);
      this.#waiting.add(check);
    });
  }

  /** @internal Somebody has asked to stop. */
  stopping(stop: StopRequest): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    this.#owner?.stopping(stop);
    this.#aborting.abort(
      new RequestError({ code: "stopped", message: `${stop.by} has asked to stop.`, details: stop }),
    );
  }

  /** @internal What the message is written for is over. */
  lose(why: RequestError): void {
    this.#end(why);
  }

  /** Ends the stream for this program; `message` is the finished one. Returns why. */
  #end(why: RequestError, aborts = true, message?: Message): RequestError {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#failure = why;
      clearTimeout(this.#keepTimer);
      open.get(this.#core)?.delete(this);
      if (aborts) this.#aborting.abort(why);
      this.#wake();
      this.#owner?.streamEnded(message, why, this.#more === true);
    }
    return why;
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** The streams that are open, by their clients. */
const open = new WeakMap<Core, Set<MessageStream>>();

/** Opens a stream. Rejects with `RequestError`. `follow` is called with what follows the client's state. */
export async function openStream(
  core: Core,
  options: Commands["message:stream"]["payload"],
  follow: (part: ChatPart) => void,
  owner?: StreamOwner,
): Promise<MessageStream> {
  const stream = new MessageStream(core, options, owner);
  streamsOf(core, follow).add(stream);
  await stream.open().catch((error) => {
    stream.close();
    throw error;
  });
  return stream;
}

function streamsOf(core: Core, follow: (part: ChatPart) => void): Set<MessageStream> {
  const known = open.get(core);
  if (known !== undefined) return known;
  const streams = new Set<MessageStream>();
  open.set(core, streams);
  follow({
    stopped: () => {
      for (const stream of [...streams]) stream.close();
    },
  });
  core.onAny((name, payload) => {
    if (name !== "message:stop") return;
    const { messageId, ...stop } = payload as StopRequest & { readonly messageId: string };
    for (const stream of streams) if (stream.id === messageId) stream.stopping(stop);
  });
  return streams;
}

/** Returns an error as messages and turns have it: cut off where it is too long. */
export function errorOf(error: StreamError | Error): StreamError {
  const { message = "" } = error;
  const code = "code" in error && typeof error.code === "string" && error.code !== "" ? error.code : "failed";
  return {
    code: wellFormed(code.slice(0, ERROR_CODE_MAX)),
    message: wellFormed(message.slice(0, ERROR_MESSAGE_MAX)),
  };
}

function conflictOf(error: unknown): Conflict {
  if (!(error instanceof RequestError) || error.code !== "conflict") return {};
  return (error.details ?? {}) as Conflict;
}

const isInvalid = (error: unknown): boolean => error instanceof RequestError && error.code === "invalid_request";

function ended(state: Message["state"]): RequestError {
  const details = { reason: "ended", ...given({ state }) };
  return new RequestError({ code: "conflict", message: "The stream of this message has ended.", details });
}

const foreign = (): RequestError =>
  new RequestError({
    code: "conflict",
    message: "Another program has written this message.",
    details: { reason: "superseded" },
  });

/** Returns the parts without texts and reasoning that are blank, which no message has. */
const withoutBlanks = (parts: readonly MessagePart[]): MessagePart[] =>
  parts.filter((part) => !("text" in part) || part.text.trim() !== "");

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
