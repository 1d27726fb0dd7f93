import type { Message, Reaction } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../context";
import { EmojiButton } from "../emoji/emoji_button";

export function Reactions({ message, reactions }: { message: Message; reactions: readonly Reaction[] }) {
  const { messages } = useChat();
  const myId = useChatState((state) => state.me.id);
  return (
    <ul className="reactions">
      {reactions.map(({ emoji, count, userIds }) => (
        <li key={emoji}>
          <button
            type="button"
            aria-pressed={userIds.includes(myId)}
            aria-label={texts.reacted(emoji, count)}
            onClick={() => void messages.react(message, emoji)}
          >
            {emoji} {count}
          </button>
        </li>
      ))}
      <li>
        <EmojiButton label={texts.emoji.react} onPick={(emoji) => void messages.react(message, emoji)} />
      </li>
    </ul>
  );
}
