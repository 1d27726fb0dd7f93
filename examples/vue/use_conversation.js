import { onScopeDispose, shallowReactive } from "vue";

/** Returns what a conversation shows, as an object that Vue follows. */
export function useConversation(chat, id) {
  const room = chat.conversation(id);
  const read = () => ({ messages: room.messages, pending: room.pending, typing: room.typing, state: chat.state });
  const shown = shallowReactive(read());
  const renew = () => Object.assign(shown, read());
  const stops = [room.on("change", renew), chat.on("state", renew)];
  onScopeDispose(() => stops.forEach((stop) => stop()));
  return { room, shown };
}
