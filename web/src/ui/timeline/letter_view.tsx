import type { Letter } from "../../chat/outbox/outbox";
import { texts } from "../../texts";
import { useChat, useChatState } from "../context";
import { Avatar } from "../parts/avatar";
import { LetterFiles } from "./letter_files";
import { MessageText } from "./markdown";

/** What is not sent yet, or was refused. */
export function LetterView({ letter }: { letter: Letter }) {
  const { messages } = useChat();
  const me = useChatState((state) => state.me);
  return (
    <article className="message mine letter">
      <Avatar id={me.id} name={me.name} picture={me.avatar} />
      <header>
        <span className="name">
          <bdi>{me.name}</bdi>
        </span>
      </header>
      {letter.content !== "" && <MessageText content={letter.content} />}
      <LetterFiles letter={letter} />
      {letter.problem === null ? (
        <small className="state">{texts.sending}</small>
      ) : (
        <p className="problem" role="alert">
          {texts.notSent(letter.problem)}{" "}
          <button type="button" className="quiet" onClick={() => messages.retry(letter.clientMessageId)}>
            {texts.retry}
          </button>
          <button type="button" className="quiet" onClick={() => messages.discard(letter.clientMessageId)}>
            {texts.discard}
          </button>
        </p>
      )}
    </article>
  );
}
