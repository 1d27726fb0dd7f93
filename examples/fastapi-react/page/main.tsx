import { Talkwire } from "@talkwire/client";
import { TalkwireProvider, useConnection, useConversation } from "@talkwire/react";
import { type FormEvent, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

type Order = { number: number; status: string; conversation: string; talkwire: string };

async function fetchOrder(): Promise<Order> {
  const response = await fetch("/orders/17");
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.json();
}

async function fetchToken() {
  const response = await fetch("/chat-token");
  if (!response.ok) throw new Error(`/chat-token responds ${response.status}`);
  return response.text();
}

function OrderPage({ first }: { first: Order }) {
  const { messages, pending, typing, isLoaded, send, startTyping, markRead } = useConversation(first.conversation);
  const connection = useConnection();
  const [order, setOrder] = useState(first);
  const [text, setText] = useState("");

  // Each message may be news about the order.
  useEffect(() => {
    if (messages.length === 0) return;
    fetchOrder().then(setOrder, console.error);
    markRead().catch(() => undefined); // offline: the next message does it
  }, [messages.length, markRead]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(text).catch((error) => alert(error.message));
    setText("");
  };

  return (
    <>
      <h1>Order {order.number}</h1>
      <p>
        Status: <strong>{order.status}</strong>
      </p>
      <p role="status">{isLoaded ? connection : "loading"}</p>
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

const root = createRoot(document.getElementById("app") as HTMLElement);
try {
  const order = await fetchOrder();
  const chat = new Talkwire({ url: order.talkwire, token: fetchToken });
  chat.connect().catch((error) => alert(error.message));
  root.render(
    <TalkwireProvider client={chat}>
      <OrderPage first={order} />
    </TalkwireProvider>,
  );
} catch (error) {
  root.render(<p>{String(error)}</p>);
}
