import { Talkwire } from "@talkwire/client";
import { TalkwireProvider, useConnection, useConversation } from "@talkwire/react";
import { type FormEvent, useState } from "react";
import { createRoot } from "react-dom/client";

function Room({ id }: { id: string }) {
  const { messages, pending, send, typing, startTyping } = useConversation(id);
  const connection = useConnection();
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(text).catch((error) => alert(error.message));
    setText("");
  };
  return (
    <>
      <p role="status">{connection}</p>
      <ol>
        {messages.map((message) => (
          <li key={message.id}>
            {message.sender.name}: {message.content}
          </li>
        ))}
        {pending.map((message) => (
          <li key={message.clientMessageId}>{message.content} …</li>
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

const { url, conversation } = await (await fetch("/chat.json")).json();
const chat = new Talkwire({ url, token: async () => (await fetch("/chat-token")).text() });
chat.connect().catch((error) => alert(error.message));

createRoot(document.getElementById("app") as HTMLElement).render(
  <TalkwireProvider client={chat}>
    <Room id={conversation} />
  </TalkwireProvider>,
);
