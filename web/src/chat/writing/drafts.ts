/** What is written and not sent: kept in the browser, by reader and conversation. */

export const DRAFTS_KEPT_AS = "talkwire.draft.";

export function draftOf(userId: string, conversationId: string): string {
  return localStorage.getItem(`${DRAFTS_KEPT_AS}${userId}.${conversationId}`) ?? "";
}
