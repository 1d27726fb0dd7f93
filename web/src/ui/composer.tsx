import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { texts } from "../texts";
import { useChat, useChatState } from "./context";

/** What the server takes as one message, in bytes. */
const MAX_BYTES = 64 * 1024;
const KEPT_AS = "talkwire.draft.";

const encoder = new TextEncoder();

/** Where messages are written. A draft stays with its conversation, through a reload too. */
export function Composer({ id, name }: { id: string; name: string }) {
  const chat = useChat();
  const myId = useChatState((state) => state.me.id);
  const key = `${KEPT_AS}${myId}.${id}`;
  const [content, setContent] = useState(() => localStorage.getItem(key) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  const composing = useChatState((state) => state.composing);
  const tooLong = encoder.encode(content).length > MAX_BYTES;

  useEffect(() => {
    // What is edited is the message's text; the draft comes back behind it.
    if (composing?.kind === "edit") setContent(composing.message.content ?? "");
    field.current?.focus();
  }, [composing]);
  useEffect(() => {
    if (composing?.kind === "edit") return;
    if (content === "") localStorage.removeItem(key);
    else localStorage.setItem(key, content);
  }, [key, content, composing]);

  const send = (event?: FormEvent): void => {
    event?.preventDefault();
    const said = content.trim();
    if (said === "" || tooLong) return;
    setContent(composing?.kind === "edit" ? (localStorage.getItem(key) ?? "") : "");
    void chat.send(id, said);
  };
  const cancel = (): void => {
    if (composing?.kind === "edit") setContent(localStorage.getItem(key) ?? "");
    chat.compose(null);
  };
  const pressed = (event: KeyboardEvent): void => {
    // Enter also ends the composition of a character, as in Japanese.
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && composing !== null) {
      cancel();
    }
  };

  return (
    <form className="composer" onSubmit={send}>
      {composing && (
        <p className="composing">
          {composing.kind === "edit" ? texts.editing : texts.replyingTo(composing.message.sender.name)}
          <span className="excerpt">{composing.kind === "reply" && composing.message.content}</span>
          <button type="button" className="quiet" onClick={cancel}>
            {texts.cancel}
          </button>
        </p>
      )}
      <Notice />
      <label className="hidden" htmlFor="message">
        {texts.message}
      </label>
      <textarea
        id="message"
        ref={field}
        rows={1}
        value={content}
        placeholder={texts.messageTo(name)}
        aria-invalid={tooLong || undefined}
        onKeyDown={pressed}
        onChange={(event) => {
          setContent(event.target.value);
          if (event.target.value !== "") chat.type(id);
        }}
      />
      <button type="submit" className="primary" disabled={content.trim() === "" || tooLong}>
        {texts.send}
      </button>
      {tooLong && (
        <p className="problem" role="alert">
          {texts.tooLong}
        </p>
      )}
    </form>
  );
}

function Notice() {
  const notice = useChatState((state) => state.notice);
  return (
    <p className="problem" role="alert">
      {notice}
    </p>
  );
}
