import type { Member, Message, Reaction } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { EmojiButton } from "../emoji/emoji_button";
import { useChat, useChatState } from "../page/chat_context";
import { useLoadedName } from "../people/use_name_in";

const NOBODY: readonly Member[] = [];

export function Reactions({ message, reactions }: { message: Message; reactions: readonly Reaction[] }) {
  const { messages } = useChat();
  return (
    <ul className="reactions">
      {reactions.map((reaction) => (
        <li key={reaction.emoji}>
          <ReactionButton message={message} reaction={reaction} />
        </li>
      ))}
      <li>
        <EmojiButton className="reach" label={texts.emoji.react} onPick={(emoji) => messages.react(message, emoji)} />
      </li>
    </ul>
  );
}

function ReactionButton({ message, reaction }: { message: Message; reaction: Reaction }) {
  const { messages } = useChat();
  const myId = useChatState((state) => state.me.id);
  const members = useChatState(({ conversations }) => own(conversations, message.conversationId)?.members) ?? NOBODY;
  const { emoji, count, userIds } = reaction;
  const names = namesOf(userIds, members, myId);
  // Only what is loaded is asked: each message in sight would ask the server for what few point at.
  const left = useLoadedName(message.conversationId, names.length === 0 ? userIds[0] : undefined);
  return (
    <button
      type="button"
      className="reach"
      aria-pressed={userIds.includes(myId)}
      aria-label={texts.reacted(emoji, count)}
      title={texts.reactedBy(emoji, names.length === 0 ? [left ?? texts.notices.somebody] : names, count)}
      onClick={() => messages.react(message, emoji)}
    >
      <span className="reaction-emoji">{emoji}</span> {count}
    </button>
  );
}

/** Returns the names, the reader's first. Users who have left have no name here. */
function namesOf(userIds: readonly string[], members: readonly Member[], myId: string): string[] {
  const names = new Map(members.map(({ userId, name }) => [userId, name]));
  const others = userIds.filter((id) => id !== myId).flatMap((id) => names.get(id) ?? []);
  return userIds.includes(myId) ? [texts.you, ...others] : others;
}
