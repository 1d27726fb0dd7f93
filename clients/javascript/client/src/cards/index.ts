/**
 * Cards: what messages ask their readers to decide. Start with {@link cardsOf}.
 *
 * @packageDocumentation
 */

import type { Client } from "../client.ts";
import type { Talkwire } from "../talkwire.ts";
import { Cards } from "./cards.ts";

export type { CardsEvents, Choosing, NewCard } from "./cards.ts";
export { Cards };

const cards = new WeakMap<Client, Cards>();

/** Returns the cards of a chat. The same chat returns the same object. */
export function cardsOf(chat: Talkwire): Cards {
  return cardsIn(chat.parts);
}

/** @internal The same for a program that has put its client together itself. */
export function cardsIn(client: Client): Cards {
  const known = cards.get(client);
  if (known !== undefined) return known;
  const made = new Cards(client.core);
  client.add(made);
  cards.set(client, made);
  return made;
}
