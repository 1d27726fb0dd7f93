import { type OutboxEntry, placeOf } from "@talkwire/client/parts";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useStore } from "zustand";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { byTouch, focusComposer, isEmptyComposer } from "../keyboard/focus";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import type { AnswerQuestionProps } from "../page/answer_question_context";
import { useChat, useChatState } from "../page/chat_context";
import { useNameIn } from "../people/use_name_in";
import { type AnswerGuard, type Came, guardOf } from "./answer_guard";
import { deskTexts } from "./texts";
import "./desk.css";

const { collided: words } = deskTexts;
/** How much of a colleague's answer is quoted. */
const QUOTED_MAX = 140;

/** Asks above the message field whether answers are sent although a colleague was faster. */
export default function AnswerQuestion({ id, threadId, isBegun }: AnswerQuestionProps) {
  const chat = useChat();
  const guard = guardOf(chat);
  const outbox = useStore(chat.messages.outbox);
  // Who is a colleague is known with the members.
  useChatState(({ conversations }) => conversations[id]);
  useDraftStart(guard, { id, threadId, isBegun });
  const place = placeOf(id, threadId);
  const asked = outbox.filter(
    (entry) => placeOf(entry.conversationId, entry.threadId ?? undefined) === place && guard.cameTo(entry) !== null,
  );
  const newest = asked.at(-1);
  const came = newest === undefined ? null : guard.cameTo(newest);
  return came === null ? null : <Question id={id} came={came} asked={asked} guard={guard} />;
}

/** Notes what the reader has seen when they begin a draft. */
function useDraftStart(guard: AnswerGuard, { id, threadId, isBegun }: AnswerQuestionProps): void {
  const isFirst = useRef(true);
  useEffect(() => {
    if (isBegun) guard.begin(id, threadId, isFirst.current);
    else guard.end(id, threadId);
    isFirst.current = false;
  }, [guard, id, threadId, isBegun]);
}

interface QuestionProps {
  id: string;
  came: Came;
  asked: readonly OutboxEntry[];
  guard: AnswerGuard;
}

function Question({ id, came: { answer, handler }, asked, guard }: QuestionProps) {
  const handlerName = useNameIn(id, handler);
  const box = useRef<HTMLElement>(null);
  const safe = useRef<HTMLButtonElement>(null);
  useFocusUntilClosed(() => {
    const { activeElement } = document;
    const isIdle = !byTouch && isEmptyComposer(activeElement) && box.current?.closest("form")?.contains(activeElement);
    if (isIdle) safe.current?.focus();
  });
  const send = (): void => {
    if (!byTouch) focusComposer(box.current);
    guard.sendAnyway(asked);
  };
  const keep = (): void => {
    focusComposer(box.current);
    void guard.keepAsDraft(asked);
  };
  const pressed = (event: KeyboardEvent): void => {
    const { key, ctrlKey, altKey, metaKey } = event;
    // Who types on writes the next message.
    if (key.length === 1 && key !== " " && !ctrlKey && !altKey && !metaKey) focusComposer(box.current);
    if (key !== "Escape") return;
    event.preventDefault();
    keep();
  };
  return (
    <section ref={box} className="answer-question" aria-label={words.title} onKeyDown={pressed}>
      <p role="alert">
        {answer && (
          <>
            {words.answered(answer.sender.name)} <q dir="auto">{quoted(plainText(messageSummary(answer)))}</q>{" "}
          </>
        )}
        {handler !== undefined && `${words.handles(handlerName ?? deskTexts.somebody)} `}
        <b>{words.question}</b>
      </p>
      <div className="answer-choices">
        <button type="button" onClick={send}>
          {words.send}
        </button>
        <button ref={safe} type="button" onClick={keep}>
          {words.keep}
        </button>
      </div>
    </section>
  );
}

/** Returns the beginning of a text. */
function quoted(text: string): string {
  const characters = Array.from(text);
  return characters.length <= QUOTED_MAX ? text : `${characters.slice(0, QUOTED_MAX).join("").trimEnd()}…`;
}
