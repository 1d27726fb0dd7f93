import type { Member, Message, Reaction } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { EmojiButton } from "../emoji/emoji_button";
import { useChat, useChatState } from "../page/chat_context";

const NOBODY: readonly Member[] = [];

export function Reactions({ message, reactions }: { message: Message; reactions: readonly Reaction[] }) {
  const { messages } = useChat();
  const myId = useChatState((state) => state.me.id);
  const members = useChatState(({ conversations }) => own(conversations, message.conversationId)?.members) ?? NOBODY;
  return (
    <ul className="reactions">
      {reactions.map(({ emoji, count, userIds }) => (
        <li key={emoji}>
          <button
            type="button"
            className="reach"
            aria-pressed={userIds.includes(myId)}
            aria-label={texts.reacted(emoji, count)}
            title={texts.reactedBy(emoji, namesOf(userIds, members, myId), count)}
            onClick={() => messages.react(message, emoji)}
          >
            <span className="reaction-emoji">{emoji}</span> {count}
          </button>
        </li>
      ))}
      <li>
        <EmojiButton className="reach" label={texts.emoji.react} onPick={(emoji) => messages.react(message, emoji)} />
      </li>
    </ul>
  );
}

/** Returns the names, the reader's first. Users who have left have no name here. */
export function namesOf(userIds: readonly string[], members: readonly Member[], myId: string): string[] {
  const names = new Map(members.map(({ userId, name }) => [userId, name]));
  const others = userIds.filter((id) => id !== myId).flatMap((id) => names.get(id) ?? []);
  return userIds.includes(myId) ? [texts.you, ...others] : others;
}
