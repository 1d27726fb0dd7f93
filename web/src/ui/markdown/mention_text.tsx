import type { Member, Message } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { type ReactNode, useMemo } from "react";
import { EVERYONE, type MentionedUser, mentionedUsers, splitAtMentions } from "../../chat/writing/mentions";
import { useChatState } from "../page/chat_context";
import { PersonButton } from "../people/person_button";
import { useLoadedNames } from "../people/use_name_in";
import { Markdown } from "./markdown_blocks";

const NOBODY: readonly Member[] = [];
const NONE: readonly string[] = [];

/** A text with highlighted mentions, the reader's own more than others. Mentions in code are ignored. */
export function MentionText({ message, content, end }: { message: Message; content: string; end?: ReactNode }) {
  const { conversationId, mentions, mentionsAll } = message;
  const myId = useChatState((state) => state.me.id);
  const members = useChatState((state) => own(state.conversations, conversationId)?.members) ?? NOBODY;
  const names = useLoadedNames(conversationId, mentions ?? NONE);
  const marked = useMemo(() => {
    const left = new Map(mentions?.flatMap((id, index) => (names[index] === undefined ? [] : [[id, names[index]]])));
    const users = mentionedUsers({ mentions: mentions ?? NONE, mentionsAll: mentionsAll ?? false }, members, left);
    return (text: string) => <Marked text={text} users={users} myId={myId} />;
  }, [mentions, mentionsAll, members, names, myId]);
  return <Markdown content={content} textOf={marked} end={end} />;
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
