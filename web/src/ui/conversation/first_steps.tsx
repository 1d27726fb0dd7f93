import type { Conversation } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useLayoutEffect, useRef } from "react";
import { mayWriteIn } from "../../chat/conversations/writing";
import { texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { useChat, useChatState } from "../page/chat_context";
import { ConversationHead } from "../timeline/conversation_head";
import { GroupFaces } from "./group_faces";
import { AddPeopleButton, useMayManage, writeNext } from "./place_dialogs";
import "./first_steps.css";

/** A conversation without messages that the reader may see, and what they can do first. */
export default function FirstSteps({ id }: { id: string }) {
  const { messages } = useChat();
  const conversation = useChatState((state) => own(state.conversations, id));
  const me = useChatState((state) => state.me);
  const blocked = useChatState((state) => state.blocked);
  const mayAdd = useMayManage(conversation);
  const section = useRef<HTMLElement>(null);
  // The first message takes the place of a button that has the focus.
  useLayoutEffect(
    () => () => {
      if (section.current?.contains(document.activeElement)) writeNext();
    },
    [],
  );
  if (conversation === undefined) return null;
  const { kind } = conversation;
  const mayWrite = mayWriteIn(conversation, me, blocked);
  return (
    <section className="conversation-head first-steps" ref={section}>
      <ConversationHead conversation={conversation} />
      <p>{whatComes(conversation, mayWrite, mayAdd)}</p>
      {kind === "group" && <GroupFaces conversation={conversation} />}
      <div className="buttons">
        {mayWrite && (
          <button
            type="button"
            className="primary"
            onClick={() => void messages.send({ conversationId: id, content: "👋" })}
          >
            {texts.firstSteps.wave}
          </button>
        )}
        {mayAdd && <AddPeopleButton />}
      </div>
    </section>
  );
}

/** Says why there are no messages, and what can be done first. */
function whatComes(conversation: Conversation, mayWrite: boolean, mayAdd: boolean): string {
  const { kind, history, lastSeq, memberCount } = conversation;
  const { firstSteps, noMessages } = texts;
  const isLate = history === "from-join" && lastSeq > 0;
  const first = isLate ? firstSteps.fromNow : noMessages;
  const isAlone = (memberCount ?? 0) < 2;
  if (mayWrite) return `${first} ${firstSteps[kind](nameOf(conversation), mayAdd && isAlone)}`;
  if (isLate) return first;
  return `${first} ${kind === "channel" ? firstSteps.channelReader : firstSteps.reader}`;
}
