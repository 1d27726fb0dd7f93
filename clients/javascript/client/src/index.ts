/**
 * Real-time chat for browsers, Node and React Native. Start with {@link Talkwire}.
 *
 * @packageDocumentation
 */

export type { AskOptions } from "./cards/asking.ts";
export type { NewConversation } from "./conversations/conversation_store.ts";
export type { FrameSize } from "./files/film.ts";
export type { NativeFile } from "./files/native_file.ts";
export type { FileVersion, PendingFile } from "./files/upload_queue.ts";
export type { Voice } from "./files/voice.ts";
export type { MessageEdit } from "./messages/changes.ts";
export type { MessagePart } from "./messages/message_parts.ts";
export type { PresenceEnds } from "./people/presence.ts";
export type { Typist } from "./people/typing.ts";
export type { WorkingAgent } from "./people/working.ts";
export type { ConversationChanges, PendingMessage, RoomEvents, SendOptions } from "./room.ts";
export { Room } from "./room.ts";
export type * from "./server/payloads.ts";
export {
  type ConversationChanged,
  type ErrorFields,
  RequestError,
  TOKEN_UNAVAILABLE,
  UNREACHABLE,
} from "./server/request_error.ts";
export type { TokenSource } from "./server/token_rest.ts";
export { MemoryStorage, type TalkwireStorage } from "./storage/stores.ts";
export type { FinishOptions, MessageStream, StopRequest, StreamOptions } from "./streams/message_stream.ts";
export type { WholePart } from "./streams/written_parts.ts";
export { Talkwire, type TalkwireEvents, type TalkwireOptions, type TalkwireState } from "./talkwire.ts";
