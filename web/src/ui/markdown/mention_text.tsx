import type { Member, Message } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { type ReactNode, useMemo } from "react";
import { EVERYONE, type MentionedUser, mentionedUsers, splitAtMentions } from "../../chat/writing/mentions";
import { useChatState } from "../page/chat_context";
import { PersonButton } from "../people/person_button";
import { useLoadedNames } from "../people/use_name_in";
import { Markdown, type TextOf } from "./markdown_blocks";

const NOBODY: readonly Member[] = [];
const NONE: readonly string[] = [];

/** A text with highlighted mentions, the reader's own more than others. Mentions in code are ignored. */
export function MentionText({ message, content, end }: { message: Message; content: string; end?: ReactNode }) {
  return <Markdown content={content} textOf={useMentions(message)} end={end} />;
}

/** Returns what draws the text of a message with highlighted mentions. */
export function useMentions(message: Message): TextOf {
  const { conversationId, mentions, mentionsAll } = message;
  const myId = useChatState((state) => state.me.id);
  const members = useChatState((state) => own(state.conversations, conversationId)?.members) ?? NOBODY;
  const names = useLoadedNames(conversationId, mentions ?? NONE);
  return useMemo(() => {
    const left = new Map(mentions?.flatMap((id, index) => (names[index] === undefined ? [] : [[id, names[index]]])));
    const users = mentionedUsers({ mentions: mentions ?? NONE, mentionsAll: mentionsAll ?? false }, members, left);
    return (text: string) => <Marked text={text} users={users} myId={myId} />;
  }, [mentions, mentionsAll, members, names, myId]);
}

function Marked({ text, users, myId }: { text: string; users: readonly MentionedUser[]; myId: string }) {
  return splitAtMentions(text, users).map((part, index) =>
    part.userId === undefined ? (
      part.text
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order
      <span key={index} className={isForMe(part.userId, myId) ? "mention mine" : "mention"}>
        {part.userId === EVERYONE ? (
          part.text
        ) : (
          <PersonButton userId={part.userId} name={part.text.slice(1)} className="mentioned">
            {part.text}
          </PersonButton>
        )}
      </span>
    ),
  );
}

const isForMe = (userId: string, myId: string): boolean => userId === myId || userId === EVERYONE;
