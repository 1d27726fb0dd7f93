/**
 * The parts that the client consists of, for programs that need more than {@link Talkwire}, such as the web client of
 * the server. They may change with each release.
 *
 * @packageDocumentation
 */

export * from "./client.ts";
export * from "./conversations/conversation_store.ts";
export * from "./conversations/conversations_by_id.ts";
export * from "./conversations/invitations.ts";
export * from "./conversations/membership.ts";
export * from "./conversations/moderation.ts";
export * from "./conversations/rights.ts";
export * from "./core.ts";
export * from "./files/upload_queue.ts";
export * from "./files/uploads.ts";
export * from "./files/voice.ts";
export * from "./messages/changes.ts";
export { onCardChanged } from "./messages/message_cards.ts";
export * from "./messages/messages.ts";
export * from "./messages/pins.ts";
export * from "./messages/receipts.ts";
export * from "./messages/saved.ts";
export * from "./messages/thread.ts";
export * from "./messages/threads.ts";
export {
  EMPTY,
  KEPT_MAX,
  lastOwnMessage,
  merged,
  type Timeline,
  tombstone,
  withReplyAtRoot,
  withThread,
} from "./messages/timeline.ts";
export * from "./outbox/outbox.ts";
export * from "./outbox/outbox_pages.ts";
export * from "./own.ts";
export * from "./people/people.ts";
export * from "./people/presence.ts";
export * from "./people/profile.ts";
export * from "./people/teams.ts";
export * from "./people/typing.ts";
export { followWorking } from "./people/working.ts";
export * from "./platform.ts";
export * from "./server/connection.ts";
export * from "./server/pauses.ts";
export { changedIn } from "./server/request_error.ts";
export * from "./server/rest.ts";
export * from "./storage/offline_state.ts";
export * from "./storage/storage_name.ts";
export * from "./storage/stores.ts";
