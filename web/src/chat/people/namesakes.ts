/** What tells people of the same name apart. */

import type { Member } from "@talkwire/client";
import type { ConversationsById } from "@talkwire/client/parts";
import { texts } from "../../texts";

export interface Named {
  readonly id: string;
  readonly name: string;
  readonly handle?: string | undefined;
}

type Names = Record<string, string>;

/** Returns a user's handle; the id where there is none and another user has the same name. */
export function handleOf({ id, name, handle }: Named, others: readonly Named[]): string | undefined {
  return handle ?? (hasNamesake({ id, name }, others) ? id : undefined);
}

/** Whether another one of `others` has the same name. */
export function hasNamesake({ id, name }: Named, others: readonly Named[]): boolean {
  return others.some((each) => each.id !== id && fold(each.name) === fold(name));
}

/** Returns the handle, or the id, of a user whose name another known user has too; undefined for other users. */
export function namesakeHandle(conversations: ConversationsById, id: string, name: string): string | undefined {
  // Nobody needs to know which of the deleted accounts it was.
  if (name === texts.people.erasedName) return undefined;
  if (conversations !== known.conversations) known = knownFrom(conversations);
  const handles = known.handles.get(fold(name));
  const others = (handles?.size ?? 0) - (handles?.has(id) ? 1 : 0);
  return others > 0 ? (handles?.get(id) ?? id) : undefined;
}

/** Returns a user's name, with the handle where another known user has the same name. */
export function distinctName(conversations: ConversationsById, id: string, name: string): string {
  const handle = namesakeHandle(conversations, id, name);
  return handle === undefined ? name : `${name} @${handle}`;
}

/** Returns names by the ids of their users, with the handles of those whose name another known user has too. */
export const distinctNames = (conversations: ConversationsById, names: Names): Names =>
  Object.fromEntries(Object.entries(names).map(([id, name]) => [id, distinctName(conversations, id, name)]));

/** The handles of users by their ids, by a folded name. */
type HandlesByName = Map<string, Map<string, string | undefined>>;

interface Known {
  readonly conversations: ConversationsById | null;
  readonly lists: readonly (readonly Member[] | undefined)[];
  readonly handles: HandlesByName;
}

/** Each message and conversation on the screen asks about the same state. */
let known: Known = { conversations: null, lists: [], handles: new Map() };

/** Each new message changes the state, and rarely the members, who may be many thousands. */
function knownFrom(conversations: ConversationsById): Known {
  const lists = Object.values(conversations).map(({ members }) => members);
  const isSame = lists.length === known.lists.length && lists.every((list, at) => list === known.lists[at]);
  return { conversations, lists, handles: isSame ? known.handles : handlesByName(lists) };
}

function handlesByName(lists: Known["lists"]): HandlesByName {
  const found: HandlesByName = new Map();
  for (const members of lists)
    for (const { userId, name, handle } of members ?? []) {
      const key = fold(name);
      const handles = found.get(key);
      if (handles === undefined) found.set(key, new Map([[userId, handle]]));
      else handles.set(userId, handle);
    }
  return found;
}

const fold = (name: string): string => name.toLowerCase();
