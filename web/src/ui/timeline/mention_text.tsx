import Markdown, { type MarkdownToJSX, RuleType } from "markdown-to-jsx/react";
import { useMemo } from "react";
import { own } from "../../chat/core";
import { EVERYONE, type Named, namedIn, stretchesOf } from "../../chat/writing/mentions";
import type { Member, Message } from "../../server/payloads";
import { useChatState } from "../context";
import { PersonButton } from "../people/person_button";

const NOBODY: readonly Member[] = [];

/** A text in which those whom it names stand out, the reader more than others. Code names nobody. */
export function MentionText({ message, content, options }: Props) {
  const { conversationId, mentions, mentionsAll } = message;
  const myId = useChatState((state) => state.me.id);
  const members = useChatState((state) => own(state.conversations, conversationId)?.members) ?? NOBODY;
  const marking = useMemo(
    () => ({
      ...options,
      renderRule: marked(namedIn({ mentions: mentions ?? [], mentionsAll: mentionsAll ?? false }, members), myId),
    }),
    [options, mentions, mentionsAll, members, myId],
  );
  return <Markdown options={marking}>{content}</Markdown>;
}

interface Props {
  message: Message;
  content: string;
  options: MarkdownToJSX.Options;
}

function marked(named: readonly Named[], myId: string): NonNullable<MarkdownToJSX.Options["renderRule"]> {
  return (next, node, _, state) =>
    node.type === RuleType.text ? <Marked key={state.key} text={node.text} named={named} myId={myId} /> : next();
}

function Marked({ text, named, myId }: { text: string; named: readonly Named[]; myId: string }) {
  return stretchesOf(text, named).map((stretch, index) =>
    stretch.userId === undefined ? (
      stretch.text
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: a text has its stretches in their order
      <span key={index} className={isForMe(stretch.userId, myId) ? "mention mine" : "mention"}>
        {stretch.userId === EVERYONE ? (
          stretch.text
        ) : (
          <PersonButton userId={stretch.userId} name={stretch.text.slice(1)} className="mentioned">
            {stretch.text}
          </PersonButton>
        )}
      </span>
    ),
  );
}

const isForMe = (userId: string, myId: string): boolean => userId === myId || userId === EVERYONE;
