/** Which agents work on an answer, by conversation. Agents are rare: what follows them comes with the first signal. */

import type { WorkingAgent } from "@talkwire/client";
import type { Client, followWorking } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import { repeatable } from "../../repeatable_import";

export type WorkingAgents = Readonly<Record<string, readonly WorkingAgent[]>>;

const load = repeatable(() => import("../streams/working"));

/** Returns the agents that work in the conversations of a client. */
export function workingAgents(client: Client): StoreApi<WorkingAgents> {
  const state = createStore<WorkingAgents>(() => ({}));
  let working: ReturnType<typeof followWorking> | undefined;
  client.core.on("turn:working", (signal) => {
    const before = client.core.now;
    // Agents repeat the signal, and so the load where it has failed.
    void load().then(
      (module) => {
        working ??= module.followWorking(client, (id, agents) => state.setState({ [id]: agents }));
        working.received(signal, before);
      },
      () => undefined,
    );
  });
  return state;
}
