/// <reference lib="esnext.disposable" preserve="true" />
/** One piece of an agent's work. */

import type { Client } from "../client.ts";
import { given } from "../given.ts";
import { contentOf, type MessagePart } from "../messages/message_parts.ts";
import { randomId } from "../platform.ts";
import { pauseAfter } from "../server/pauses.ts";
import type { AskedCard, ClaimedTurn, GeneratedBody, Message, SendCommand, StreamError } from "../server/payloads.ts";
import { RequestError, UNREACHABLE } from "../server/request_error.ts";
import {
  errorOf,
  type MessageStream,
  openStream,
  type StopRequest,
  type StreamOptions,
} from "../streams/message_stream.ts";

/** Options of `Turn.send`. */
export interface TurnSendOptions {
  /** Whether the turn continues after this message. Otherwise the message ends it. */
  readonly more?: boolean;
  /** The id of the message that it replies to. */
  readonly replyTo?: string;
  /** The id of the first message of the thread that it belongs to. */
  readonly threadId?: string;
  /** Any JSON object, for the application's use. */
  readonly metadata?: Record<string, unknown>;
  /** Files that were uploaded before. */
  readonly attachments?: NonNullable<SendCommand["attachments"]>;
  /** The parts of the message instead of a text, which is empty then. */
  readonly parts?: readonly MessagePart[];
  /** Stores it only if this is the `seq` of the conversation's newest message then. Otherwise as with `Room.send`. */
  readonly ifLastSeq?: number;
  /** How the agent wrote it: the name of the `model`. */
  readonly generated?: GeneratedBody;
  /** The id of the agent's owner, or of the author of a message of the turn, in whose name the agent writes. */
  readonly onBehalfOf?: string;
}

/** Options of `Turn.ask`. */
export type TurnAskOptions = Pick<TurnSendOptions, "replyTo" | "threadId" | "generated" | "onBehalfOf">;

/** Options of `Turn.stream`. */
export interface TurnStreamOptions extends Omit<StreamOptions, "clientMessageId" | "leaseS"> {
  /** Whether the turn continues after this message. Otherwise its end ends the turn. */
  readonly more?: boolean;
  /** Whether what an earlier attempt wrote stays, so that the program adds to it. Otherwise it is removed first. */
  readonly keep?: boolean;
}

/** What `Turn.update` changes. */
export interface TurnUpdate {
  /** What the agent is doing, in up to 100 characters, for the members to see. */
  readonly label?: string;
  /** Another lease, in seconds: 5 to 300. */
  readonly leaseS?: number;
}

type OfTurn = "turn:done" | "turn:release" | "turn:fail";

/** The lease is renewed so often while it lasts. */
const RENEWALS = 3;
/** It is renewed at least so often, since members see each time that the agent works. */
const RENEW_MAX_MS = 15_000;
/** The reasons of conflicts that say that this process does not have the turn any more. */
const LOST = new Set(["superseded", "ended", "depth"]);

/**
 * A turn that this process has: the messages that the agent has not answered in a conversation. A message, `ask` or `done`
 * ends it for this process. Until then its lease is renewed.
 *
 * Methods repeat their request while the server cannot be reached, and reject with `RequestError` when the server refuses
 * it, or with the reason of `signal` once the turn is lost.
 */
export class Turn {
  readonly id: string;
  readonly conversationId: string;
  readonly agentId: string;
  /** The messages that the agent has not answered, the oldest first. */
  readonly messages: readonly Message[];
  /** What a member of the conversation's teams wrote for the agent; null if nobody did. */
  readonly note: string | null;
  /** The message with the card for whose decision the turn has waited; null if it has not asked. */
  readonly card: Message | null;
  /** How often the turn has failed before. */
  readonly tries: number;
  /** Counts the claims of the turn, from 1 on. */
  readonly attempt: number;
  /** Names this attempt: the `turn` of commands that this class has no method for. */
  readonly token: string;
  readonly createdAt: Date;
  readonly #client: Client;
  readonly #ended: () => void;
  readonly #aborting = new AbortController();
  #leaseMs: number;
  #stop: StopRequest | null = null;
  #stream: MessageStream | undefined;
  /** Whether a stream is open, or is being opened. */
  #isStreaming = false;
  #isOver = false;
  /** Why the turn is over, for methods that are called afterwards. */
  #why: RequestError | undefined;
  /** How many requests are on their way that may end the turn. */
  #endings = 0;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #expiry: ReturnType<typeof setTimeout> | undefined;
  /** Called when the turn is over. */
  readonly #waiting = new Set<() => void>();

  /** @internal `ended` is called when this process does not have the turn any more. */
  constructor(client: Client, claimed: ClaimedTurn, leaseS: number, ended: () => void) {
    this.id = claimed.id;
    this.conversationId = claimed.conversationId;
    this.agentId = claimed.agentId;
    this.messages = claimed.messages;
    this.note = claimed.note ?? null;
    this.card = claimed.card ?? null;
    this.tries = claimed.tries ?? 0;
    this.attempt = claimed.attempt;
    this.token = claimed.token;
    this.createdAt = new Date(claimed.createdAt);
    this.#client = client;
    this.#ended = ended;
    this.#leaseMs = leaseS * 1_000;
    this.renewed(Date.now());
    this.#renewLater();
  }

  /**
   * Aborts when nothing more is wanted. The `code` of its reason is `stopped` if somebody has asked the agent to stop,
   * `lost` if this process does not have the turn any more, and `closed` if the turns or the client were closed. Pass it
   * to what makes the text.
   */
  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  /** Who has asked the agent to stop, and when; null if nobody has. Then finish the message, or call `done`. */
  get stopped(): StopRequest | null {
    return this.#stop;
  }

  /** Whether this process has the turn no longer: it has ended, waits for a decision, or is lost. */
  get isOver(): boolean {
    return this.#isOver;
  }

  // --- answering ----------------------------------------------------------------------------------------------------

  /** Answers by a message, and returns it. The message and the end of the turn are stored together. */
  async send(content: string, { more = false, replyTo, parts, ...options }: TurnSendOptions = {}): Promise<Message> {
    const text = parts === undefined ? content : contentOf(parts);
    return this.#send({ content: text, ...options, ...given({ parts, replyToId: replyTo }) } as SendCommand, more);
  }

  /**
   * Asks by a card, and returns its message. The turn then waits for the decision, and no process has it: the next claim
   * after the decision returns it again, with the `card`.
   */
  async ask(card: AskedCard, { replyTo, ...options }: TurnAskOptions = {}): Promise<Message> {
    return this.#send({ content: "", card, ...options, ...given({ replyToId: replyTo }) } as SendCommand, false);
  }

  /**
   * Answers by a message that is written while others read it. Its end ends the turn, unless there is `more`. Continues the
   * message that an earlier attempt has begun.
   */
  async stream({ more = false, keep = false, replyTo, ...options }: TurnStreamOptions = {}): Promise<MessageStream> {
    this.#check();
    if (this.#isStreaming) throw conflict("streaming", "Finish the message of this turn first.");
    this.#isStreaming = true;
    const place = { conversationId: this.conversationId, turn: this.token, leaseS: this.#leaseMs / 1_000 };
    const payload = { ...options, ...place, more, ...given({ replyToId: replyTo }) };
    try {
      const stream = await openStream(this.#client.core, payload, (part) => this.#client.add(part), this);
      if (!this.#isOver) this.#stream = stream;
      if (!keep && stream.parts.length > 0) await stream.rewind(0);
      this.#check();
      return stream;
    } catch (error) {
      this.#isStreaming = this.#stream !== undefined;
      throw this.#lostBy(error) ?? error;
    }
  }

  async #send(send: SendCommand, more: boolean): Promise<Message> {
    const { conversationId, token: turn } = this;
    const payload = { ...send, conversationId, turn, more, clientMessageId: randomId() };
    const { core } = this.#client;
    const message = await this.#ending(async () => {
      const sentMs = Date.now();
      const reply = await this.#persistently(() => core.call("message:send", payload));
      if (more) this.renewed(sentMs);
      else this.#end(answered());
      return reply.message;
    });
    core.handleMissed("message:new", message);
    return message;
  }

  // --- ending -------------------------------------------------------------------------------------------------------

  /** Ends the turn without a message: there is nothing to say. */
  done(): Promise<void> {
    this.#check();
    return this.#finish("turn:done", {});
  }

  /** Gives the turn back, for another process. It counts as no failure. Does nothing if the turn is over. */
  async release(): Promise<void> {
    if (this.#isOver) return;
    await this.#finish("turn:release", {}).catch((why) => this.#ignoreIfOver(why));
  }

  /**
   * Says that this attempt has failed. The turn can be claimed again after a while, until it has failed too often. A
   * message that is being written fails too, and everybody reads the `message` then. Does nothing if the turn is over.
   */
  async fail(code: string, message = ""): Promise<void> {
    if (this.#isOver) return;
    const error = errorOf({ code, message });
    const failing = this.#stream === undefined ? this.#finish("turn:fail", { error }) : this.#stream.fail(error);
    await Promise.resolve<unknown>(failing).catch((why) => this.#ignoreIfOver(why));
  }

  /** Renews the lease, and says what the agent is doing. Returns who has asked the agent to stop, if somebody has. */
  async update({ label, leaseS }: TurnUpdate = {}): Promise<{ readonly stop?: StopRequest }> {
    this.#check();
    const sentMs = Date.now();
    const payload = { turn: this.token, ...given({ label, leaseS }) };
    try {
      const { stop } = await this.#persistently(() => this.#client.core.call("turn:update", payload));
      if (leaseS !== undefined) this.#leaseMs = leaseS * 1_000;
      this.renewed(sentMs);
      if (leaseS !== undefined) this.#renewLater();
      if (stop !== undefined) this.stopping(stop);
      return given({ stop });
    } catch (error) {
      // A request that ends the turn says itself how it went.
      throw (this.#endings === 0 ? this.#lostBy(error) : undefined) ?? error;
    }
  }

  /** Says that the attempt has failed, if the turn was not ended: the block was left by an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.fail("unfinished", "The agent has not finished its work.").catch(() => undefined);
  }

  async #finish(name: OfTurn, more: { readonly error?: StreamError }): Promise<void> {
    let sent = 0;
    await this.#ending(async () => {
      try {
        await this.#persistently(() => {
          sent += 1;
          return this.#client.core.call(name, { turn: this.token, ...more });
        });
      } catch (error) {
        const { reason, state } = conflictOf(error);
        // A request whose answer was lost has done it.
        const isDone = name === "turn:done" ? reason === "ended" && state === "done" : LOST.has(reason ?? "");
        if (sent < 2 || !isDone) throw error;
      }
      this.#end(answered());
    });
  }

  /** Carries out what may end the turn. */
  async #ending<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    this.#check();
    this.#endings += 1;
    try {
      return await work();
    } catch (error) {
      throw this.#lostBy(error) ?? error;
    } finally {
      this.#endings -= 1;
    }
  }

  // --- the lease ----------------------------------------------------------------------------------------------------

  /** @internal The server has renewed the lease after this time. */
  renewed(sentMs: number): void {
    clearTimeout(this.#expiry);
    if (this.#isOver) return;
    const leftMs = Math.max(0, sentMs + this.#leaseMs - Date.now());
    this.#expiry = setTimeout(() => this.#lose("lapsed", "The lease could not be renewed in time."), leftMs);
  }

  /** @internal Somebody has asked to stop. */
  stopping(stop: StopRequest): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    const why = { code: "stopped", message: `${stop.by} has asked to stop.`, details: stop };
    this.#aborting.abort(new RequestError(why));
  }

  /** @internal Nothing more is written to the message: it was finished, or `why`. */
  streamEnded(message: Message | undefined, why: RequestError, hasMore: boolean): void {
    this.#stream = undefined;
    this.#isStreaming = false;
    if (message !== undefined && !(hasMore && message.state === "done")) this.#end(answered());
    else if (message === undefined && why.code !== "closed") this.#lostBy(why);
    // What has renewed the lease so far does not any more.
    if (!this.#isOver) void this.#renew();
  }

  /** @internal Gives the turn back, if the server can be reached now. */
  async abandon(): Promise<void> {
    if (this.#isOver) return;
    const { core } = this.#client;
    this.cut();
    if (core.now.connected) await core.call("turn:release", { turn: this.token }).catch(() => undefined);
  }

  /** @internal Ends the turn for this program, without a request. */
  cut(): void {
    this.#end(new RequestError({ code: "closed", message: "The turns were closed." }), true);
  }

  #renewLater(): void {
    clearTimeout(this.#renewal);
    if (this.#isOver) return;
    this.#renewal = setTimeout(() => void this.#renew(), Math.min(this.#leaseMs / RENEWALS, RENEW_MAX_MS));
  }

  async #renew(): Promise<void> {
    // A message that is being written renews the lease.
    if (!this.#isStreaming) await this.update().catch(() => undefined);
    this.#renewLater();
  }

  /** Repeats a request while the server cannot be reached or limits the rate. */
  async #persistently<Answer>(request: () => Promise<Answer>): Promise<Answer> {
    for (let failures = 0; ; failures++) {
      await this.#connected();
      if (this.#isOver) throw this.#why;
      try {
        return await request();
      } catch (error) {
        if (!(error instanceof RequestError) || !error.isTransient) throw error;
        const isLost = error.code === UNREACHABLE && !this.#client.core.now.connected;
        if (!isLost) await this.#pause(error.retryAfterMs || pauseAfter(failures, error));
      }
    }
  }

  /** Waits for the connection, or the end of the turn. */
  #connected(): Promise<void> {
    const { core } = this.#client;
    if (core.now.connected || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        unsubscribe();
        this.#waiting.delete(settle);
        resolve();
      };
      const unsubscribe = core.state.subscribe(({ connected }) => {
        if (connected) settle();
      });
      this.#waiting.add(settle);
    });
  }

  /** Waits for a time, or the end of the turn. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve();
      };
      const timer = setTimeout(settle, ms);
      this.#waiting.add(settle);
    });
  }

  #check(): void {
    if (this.#isOver) throw this.#why;
  }

  #ignoreIfOver(why: unknown): void {
    if (!this.#isOver) throw why;
  }

  /** Returns why the turn is lost, if a refusal says that; else undefined. */
  #lostBy(error: unknown): RequestError | undefined {
    if (error === this.#why) return this.#why;
    const { reason } = conflictOf(error);
    if (reason === undefined || !LOST.has(reason)) return undefined;
    const { message, details } = error as RequestError;
    return this.#lose(reason, message, details as object);
  }

  #lose(reason: string, message: string, details?: object): RequestError {
    return this.#end(new RequestError({ code: "lost", message, details: { ...details, reason } }), true);
  }

  /** Ends the turn for this program. Returns why it is over. */
  #end(why: RequestError, aborts = false): RequestError {
    if (this.#why !== undefined) return this.#why;
    this.#why = why;
    this.#isOver = true;
    clearTimeout(this.#renewal);
    clearTimeout(this.#expiry);
    if (aborts) this.#aborting.abort(why);
    this.#stream?.lose(why);
    for (const settle of [...this.#waiting]) settle();
    this.#ended();
    return why;
  }
}

function conflictOf(error: unknown): { readonly reason?: string; readonly state?: string } {
  if (!(error instanceof RequestError) || error.code !== "conflict") return {};
  return (error.details ?? {}) as { reason?: string };
}

const conflict = (reason: string, message: string): RequestError =>
  new RequestError({ code: "conflict", message, details: { reason } });

const answered = (): RequestError => new RequestError({ code: "closed", message: "This turn is over." });
