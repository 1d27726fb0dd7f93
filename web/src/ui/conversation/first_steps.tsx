import type { Conversation } from "@talkwire/client";
import { may, own, roleOf } from "@talkwire/client/parts";
import { useLayoutEffect, useRef, useState } from "react";
import { mayWriteIn } from "../../chat/conversations/writing";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { nameOf } from "../components/conversation_names";
import { byTouch, focusComposer } from "../keyboard/focus";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { ConversationHead } from "../timeline/conversation_head";
import "./first_steps.css";

const SHOWN_MAX = 4;

const AddPeople = lazyPart(() => import("../panel/add_people"));

/** A conversation without messages that the reader may see, and what they can do first. */
export function FirstSteps({ id }: { id: string }) {
  const { messages } = useChat();
  const conversation = useChatState((state) => own(state.conversations, id));
  const me = useChatState((state) => state.me);
  const blocked = useChatState((state) => state.blocked);
  const [isAdding, setAdding] = useState(false);
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
  const mayAdd = kind !== "direct" && may(kind, roleOf(conversation, me), "manage");
  const close = (): void => setAdding(false);
  return (
    <section className="conversation-head first-steps" ref={section}>
      <ConversationHead conversation={conversation} />
      <p>{whatComes(conversation, mayWrite, mayAdd)}</p>
      {kind === "group" && <Others conversation={conversation} />}
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
        {mayAdd && (
          <button type="button" onClick={() => setAdding(true)}>
            {texts.places.add}
          </button>
        )}
      </div>
      {isAdding && <AddPeople conversation={conversation} onAdded={writeNext} onClose={close} onGiveUp={close} />}
    </section>
  );
}

/** Focuses the message field, once a closed dialog has given the focus back. */
function writeNext(): void {
  // It would call up a keyboard on the screen.
  if (!byTouch) requestAnimationFrame(() => focusComposer());
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

/** Who else is in the group. */
function Others({ conversation: { members = [] } }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const others = members.filter(({ userId }) => userId !== me.id);
  if (others.length === 0) return null;
  const mine = { userId: me.id, name: me.name, avatar: me.avatar };
  const shown = others.slice(0, SHOWN_MAX);
  const names = shown.map(({ name }) => name);
  const more = others.length - shown.length;
  return (
    <p className="first-people">
      {[mine, ...shown].map(({ userId, name, avatar }) => (
        <Avatar key={userId} id={userId} name={name} picture={avatar} />
      ))}
      <span dir="auto">{texts.listed([texts.you, ...names, ...(more > 0 ? [texts.notices.others(more)] : [])])}</span>
    </p>
  );
}
