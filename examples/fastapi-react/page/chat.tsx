import { Talkwire } from "@talkwire/client";
import { TalkwireProvider, useConnection, useConversation } from "@talkwire/react";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

/** Names this browser. */
localStorage.deviceId ??= crypto.randomUUID();
export const deviceId: string = localStorage.deviceId;

/** Returns what the shop answers. */
export async function get<T>(path: string): Promise<T> {
  const response = await fetch(path);
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.json();
}

/** Connects the user who is signed in to the shop, and shows a page. */
export async function show(load: () => Promise<ReactNode>): Promise<void> {
  const root = createRoot(document.getElementById("app") as HTMLElement);
  const getChat = () => get<{ url: string; token: string }>("/chat");
  try {
    const [{ url }, page] = await Promise.all([getChat(), load()]);
    const chat = new Talkwire({ url, token: async () => (await getChat()).token, deviceId });
    chat.connect().catch((error) => alert(error.message));
    root.render(<TalkwireProvider client={chat}>{page}</TalkwireProvider>);
  } catch (error) {
    root.render(<p>{String(error)}</p>);
  }
}

/** Shows a conversation, and a field to write in it. `ifHandler`: messages are sent while this user handles it. */
export function Conversation({ id, ifHandler }: { id: string; ifHandler?: string | undefined }) {
  const { room, messages, pending, typing, isLoaded, send, startTyping, markRead } = useConversation(id);
  const connection = useConnection();
  const [text, setText] = useState("");

  useEffect(() => {
    if (messages.length > 0) markRead().catch(() => undefined); // offline: the next message does it
  }, [messages.length, markRead]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(text, ifHandler === undefined ? {} : { ifHandler }).catch(() => undefined); // shown below
    setText("");
  };

  return (
    <>
      <p role="status">{isLoaded ? connection : "loading"}</p>
      <ol>
        {messages.map((message) => (
          <li key={message.id}>
            {message.sender.name}: {message.content}
          </li>
        ))}
        {pending.map(({ clientMessageId, content, error }) => (
          <li key={clientMessageId}>
            {content} {error === null ? "…" : `not sent: ${error.message} `}
            {error && (
              <>
                <button type="button" onClick={() => room.retry(clientMessageId)}>
                  Send anyway
                </button>
                <button type="button" onClick={() => room.discard(clientMessageId)}>
                  Discard
                </button>
              </>
            )}
          </li>
        ))}
      </ol>
      <p>{typing.length > 0 && `${typing.map(({ name }) => name).join(", ")} …`}</p>
      <form onSubmit={submit}>
        <input
          aria-label="Message"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            startTyping();
          }}
        />
        <button type="submit">Send</button>
      </form>
    </>
  );
}
