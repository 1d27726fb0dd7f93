/** Which agents work on an answer, by conversation. Loaded with the first signal. */

import type { Client } from "../client.ts";
import type { ChatPart, ClientState, Core } from "../core.ts";
import type { TurnWorking } from "../server/payloads.ts";

/** An agent that works on an answer. */
export interface WorkingAgent {
  readonly agentId: string;
  /** What it is doing, if it has said so. */
  readonly label?: string;
}

/** What changes: all agents that work in a conversation now. */
export type WorkingChanged = (conversationId: string, agents: readonly WorkingAgent[]) => void;

/** No event says that an agent has stopped; its processes repeat the signal more often than this. */
const LASTS_MS = 20_000;

/** The agents of a chat that work. */
export class Working implements ChatPart {
  readonly #core: Core;
  readonly #changed: WorkingChanged;
  readonly #agents = new Map<string, readonly WorkingAgent[]>();
  /** By conversation and agent: what ends it. */
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(core: Core, changed: WorkingChanged) {
    this.#core = core;
    this.#changed = changed;
    core.on("message:new", ({ conversationId, senderId }) => this.#stop(conversationId, senderId));
    core.on("message:updated", ({ conversationId, senderId, state }) => {
      if (state === "streaming") this.#stop(conversationId, senderId);
    });
  }

  lost(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const id of [...this.#agents.keys()]) this.#set(id, []);
  }

  stopped(): void {
    this.lost();
  }

  /** An agent works. `before`: the state when the signal arrived; the agent may have answered since. */
  received({ conversationId, agentId, label }: TurnWorking, before: ClientState): void {
    const { blocked, connected, conversations } = this.#core.now;
    const { lastMessage } = of(conversations, conversationId) ?? {};
    const lastSeq = of(before.conversations, conversationId)?.lastSeq ?? 0;
    const hasAnswered = lastMessage?.senderId === agentId && lastMessage.seq > lastSeq;
    if (!connected || blocked.has(agentId) || hasAnswered || this.#isWriting(conversationId, agentId)) return;
    this.#start(conversationId, label === undefined ? { agentId } : { agentId, label });
  }

  /** Returns whether readers see the agent write, which says more. */
  #isWriting(conversationId: string, agentId: string): boolean {
    const messages = of(this.#core.now.timelines, conversationId)?.messages ?? [];
    return messages.some(({ senderId, state }) => state === "streaming" && senderId === agentId);
  }

  #start(conversationId: string, agent: WorkingAgent): void {
    const { agentId } = agent;
    const key = keyOf(conversationId, agentId);
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => this.#stop(conversationId, agentId), LASTS_MS),
    );
    const before = this.in(conversationId);
    const known = before.find((each) => each.agentId === agentId);
    if (known === undefined) this.#set(conversationId, [...before, agent]);
    else if (known.label !== agent.label)
      this.#set(
        conversationId,
        before.map((each) => (each === known ? agent : each)),
      );
  }

  #stop(conversationId: string, agentId: string): void {
    const key = keyOf(conversationId, agentId);
    clearTimeout(this.#timers.get(key));
    if (!this.#timers.delete(key)) return;
    this.#set(
      conversationId,
      this.in(conversationId).filter((each) => each.agentId !== agentId),
    );
  }

  /** Returns who works in a conversation. */
  in(conversationId: string): readonly WorkingAgent[] {
    return this.#agents.get(conversationId) ?? [];
  }

  #set(conversationId: string, agents: readonly WorkingAgent[]): void {
    if (agents.length === 0) this.#agents.delete(conversationId);
    else this.#agents.set(conversationId, agents);
    this.#changed(conversationId, agents);
  }
}

/** Returns the working agents of a chat, which are followed from now on. */
export function followWorking(client: Client, changed: WorkingChanged): Working {
  const working = new Working(client.core, changed);
  client.add(working);
  return working;
}

/** As `own`, which would be a file by itself if this one imported it. */
const of = <Value>(values: Readonly<Record<string, Value>>, id: string): Value | undefined =>
  Object.hasOwn(values, id) ? values[id] : undefined;

const keyOf = (conversationId: string, agentId: string): string => `${conversationId} ${agentId}`;
