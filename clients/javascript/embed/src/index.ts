/** `<talkwire-chat>`: the web client of a Talkwire server in a page of an application, signed in as its user. */

import { TalkwireChat } from "./talkwire_chat.ts";

// On a server that renders pages there are no elements.
if (globalThis.customElements?.get("talkwire-chat") === undefined) {
  globalThis.customElements?.define("talkwire-chat", TalkwireChat);
}

export type { TokenSource } from "./frame_token.ts";
export { type ChatState, TalkwireChat, type TalkwireChatEvents, type Theme } from "./talkwire_chat.ts";
