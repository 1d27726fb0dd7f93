/** Who is typing, by conversation, and that the reader is typing. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { ChatPart, Core } from "../core.ts";
import { own } from "../own.ts";

export interface Typist {
  readonly userId: string;
  readonly name: string;
}

export type Typists = Readonly<Record<string, readonly Typist[]>>;

/** The server says when somebody stops; without that event, it ends after this time. */
const LASTS_MS = 6_000;
const REPEAT_MS = 3_000;

export class Typing implements ChatPart {
  readonly state: StoreApi<Typists> = createStore<Typists>(() => ({}));
  readonly #core: Core;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** By conversation: when the last event about the reader was sent. */
  readonly #sentAt = new Map<string, number>();

  constructor(core: Core) {
    this.#core = core;
    core.on("typing:user", ({ conversationId, userId, userName, isTyping }) => {
      this.#stop(conversationId, userId);
      if (isTyping && !core.now.blocked.has(userId)) this.#start(conversationId, { userId, name: userName });
    });
    core.on("message:new", ({ conversationId, senderId }) => this.#stop(conversationId, senderId));
  }

  lost(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.state.setState({}, true);
  }

  stopped(): void {
    this.lost();
  }

  /** Tells others that the reader is typing, every few seconds. */
  type(conversationId: string): void {
    if (Date.now() - (this.#sentAt.get(conversationId) ?? 0) < REPEAT_MS) return;
    this.#sentAt.set(conversationId, Date.now());
    this.#core.send("typing:start", { conversationId });
  }

  /** Tells others that the reader has stopped typing. */
  stop(conversationId: string): void {
    if (this.#sentAt.delete(conversationId)) this.#core.send("typing:stop", { conversationId });
  }

  /** Forgets the last event after a message was sent, so that typing on is reported again. */
  sent(conversationId: string): void {
    this.#sentAt.delete(conversationId);
  }

  #start(conversationId: string, typist: Typist): void {
    this.#timers.set(
      keyOf(conversationId, typist.userId),
      setTimeout(() => this.#stop(conversationId, typist.userId), LASTS_MS),
    );
    this.state.setState((typists) => ({ [conversationId]: [...typistsIn(typists, conversationId), typist] }));
  }

  #stop(conversationId: string, userId: string): void {
    clearTimeout(this.#timers.get(keyOf(conversationId, userId)));
    this.#timers.delete(keyOf(conversationId, userId));
    const typists = typistsIn(this.state.getState(), conversationId);
    if (!typists.some((typist) => typist.userId === userId)) return;
    this.state.setState({ [conversationId]: typists.filter((typist) => typist.userId !== userId) });
  }
}

const NOBODY: readonly Typist[] = [];

export function typistsIn(typists: Typists, conversationId: string): readonly Typist[] {
  return own(typists, conversationId) ?? NOBODY;
}

const keyOf = (conversationId: string, userId: string): string => `${conversationId} ${userId}`;
