/** The conversation that each user of this browser opened last. */

const keyOf = (userId: string): string => `talkwire.last.${userId}`;

export function lastConversation(userId: string): string | null {
  return localStorage.getItem(keyOf(userId));
}

export function rememberConversation(userId: string, id: string): void {
  localStorage.setItem(keyOf(userId), id);
}

export function forgetLastConversation(userId: string): void {
  localStorage.removeItem(keyOf(userId));
}
