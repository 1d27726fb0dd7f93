/** The conversation that each user of this browser opened last, and the thread that is open beside it in this tab. */

const keyOf = (userId: string): string => `talkwire.last.${userId}`;
const threadKeyOf = (userId: string): string => `talkwire.thread.${userId}`;

export function lastConversation(userId: string): string | null {
  return localStorage.getItem(keyOf(userId));
}

export function rememberConversation(userId: string, id: string): void {
  localStorage.setItem(keyOf(userId), id);
}

/** Returns the place of the thread that was open before a reload. */
export function lastThread(userId: string): string | null {
  return sessionStorage.getItem(threadKeyOf(userId));
}

/** `place`: that of the open thread; null: none is open. */
export function rememberThread(userId: string, place: string | null): void {
  if (place === null) sessionStorage.removeItem(threadKeyOf(userId));
  else sessionStorage.setItem(threadKeyOf(userId), place);
}

export function forgetLastConversation(userId: string): void {
  localStorage.removeItem(keyOf(userId));
  rememberThread(userId, null);
}
