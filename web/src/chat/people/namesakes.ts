/** What tells people of the same name apart. */

import type { ConversationsById } from "@talkwire/client/parts";

export interface Named {
  readonly id: string;
  readonly name: string;
  readonly handle?: string | undefined;
}

/** Returns a user's handle; the id where there is none and another user has the same name. */
export function handleOf({ id, name, handle }: Named, others: readonly Named[]): string | undefined {
  return handle ?? (others.some((each) => each.id !== id && fold(each.name) === fold(name)) ? id : undefined);
}

/** Returns the handle, or the id, of a user whose name another known user has too; undefined for other users. */
export function namesakeHandle(conversations: ConversationsById, id: string, name: string): string | undefined {
  // Each message and conversation on the screen asks about the same state.
  if (conversations !== known.conversations) known = { conversations, handles: handlesByName(conversations) };
  const handles = known.handles.get(fold(name));
  const others = (handles?.size ?? 0) - (handles?.has(id) ? 1 : 0);
  return others > 0 ? (handles?.get(id) ?? id) : undefined;
}

let known: { conversations: ConversationsById | null; handles: HandlesByName } = {
  conversations: null,
  handles: new Map(),
};

/** The handles of users by their ids, by a folded name. */
type HandlesByName = Map<string, Map<string, string | undefined>>;

function handlesByName(conversations: ConversationsById): HandlesByName {
  const found: HandlesByName = new Map();
  for (const { members = [] } of Object.values(conversations))
    for (const { userId, name, handle } of members) {
      const key = fold(name);
      const handles = found.get(key);
      if (handles === undefined) found.set(key, new Map([[userId, handle]]));
      else handles.set(userId, handle);
    }
  return found;
}

const fold = (name: string): string => name.toLowerCase();
