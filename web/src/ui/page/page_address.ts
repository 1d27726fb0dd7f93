/** The page's address, which says what is open. */

import type { Panel } from "../../chat/page_core";
import { isFramed } from "../../embedding/framed";
import { addressOf, type Place, placeOf } from "../../place";
import { pageLayers } from "./page_layers";

/** The property of the state of an entry in the history that `showPlace` has added. */
const SHOWN = "shown";
/** The property that has the panel which covered the conversation when the reader went on from it. */
const PANEL = "panel";
/** The property that says how many entries below there is the list; null: there is none. */
const STEPS = "stepsFromList";

/** Returns a link for others. */
export function linkTo(conversationId: string, messageId: string): string {
  return new URL(addressOf(conversationId, messageId), location.href).href;
}

/**
 * Closes what is in front, and opens a conversation like a link does; opens it again when it is already open. Back leads
 * to `from`, the panel that the reader comes from.
 */
export function goTo(conversationId: string, messageId?: string, from: Panel | null = null): void {
  const address = addressOf(conversationId, messageId);
  pageLayers().leave(() => {
    if (from !== null) history.replaceState({ ...history.state, [PANEL]: from }, "");
    if (location.hash === address) dispatchEvent(new HashChangeEvent("hashchange"));
    else location.hash = address;
  });
}

/** Opens a conversation when the page starts, without a step that the browser's back button would undo. */
export function startAt(conversationId: string): void {
  history.replaceState(history.state, "", addressOf(conversationId));
}

/**
 * Replaces the address of a conversation that is no longer there by that of the list, once nothing is in front: the
 * reader may be writing in a dialog.
 */
export function forgetPlace(conversationId: string): void {
  pageLayers().whenEmpty(() => {
    if (placeHere().conversationId === conversationId) history.replaceState(null, "", "#/");
  });
}

/** Closes what is in front, and lets the address name nothing: the next user may not be a member of the conversation. */
export function leavePlace(): void {
  pageLayers().leave(() => history.replaceState(null, "", location.pathname + location.search));
}

/** Closes what is in front, and changes the address without opening what it names. */
export function showPlace(conversationId: string): void {
  const address = addressOf(conversationId);
  pageLayers().leave(() => {
    if (location.hash !== address) history.pushState({ [SHOWN]: true }, "", address);
  });
}

/** Goes back to what was open before `showPlace` has changed the address, if it has. Calls `then` afterwards. */
export function leaveShownPlace(then: () => void): void {
  pageLayers().leave(() => {
    if (history.state?.[SHOWN] !== true) return then();
    addEventListener("hashchange", then, { once: true });
    history.back();
  });
}

/** Returns what the address says is open. */
export function placeHere(): Place {
  return placeOf(location.hash);
}

/**
 * Calls `go` with the current place, and at each change; also with the panel that the reader returns to. Returns a
 * function that ends this.
 */
export function followAddress(go: (place: Place, panel: Panel | null) => void): () => void {
  let steps: number | null = null;
  const follow = (): void => {
    steps = countSteps(steps);
    go(placeOf(location.hash), takePanel());
  };
  // Leaves the entries that a reload has kept.
  pageLayers();
  follow();
  addEventListener("hashchange", follow);
  return () => removeEventListener("hashchange", follow);
}

/** Returns how many entries below the current one there is the list, and notes it there if it is a new one. */
function countSteps(before: number | null): number | null {
  const { [STEPS]: known } = history.state ?? {};
  if (known !== undefined) return known;
  const isList = placeHere().conversationId === null;
  const steps = isList ? 0 : before === null ? null : before + 1;
  history.replaceState({ ...history.state, [STEPS]: steps }, "");
  return steps;
}

/** Goes back to the list, as the browser's Back button does; without one below, the list takes the place of this entry. */
export function backToList(): void {
  const { [STEPS]: steps = null } = history.state ?? {};
  pageLayers().leave(() => {
    // The history of a frame is that of the page around it.
    if (isFramed) location.hash = "#/";
    else if (steps === null) location.replace("#/");
    else history.go(-steps);
  });
}

/** Returns the panel of the current entry, once. */
function takePanel(): Panel | null {
  const { [PANEL]: panel = null, ...rest } = history.state ?? {};
  if (panel !== null) history.replaceState(rest, "");
  return panel;
}
