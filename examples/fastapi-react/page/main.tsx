import { useConversation } from "@talkwire/react";
import { useEffect, useState } from "react";
import { Conversation, get, show } from "./chat";
import { NotifyButton } from "./notify";

type Order = { number: number; status: string; conversation: string };

const getOrder = () => get<Order>("/order");

function OrderPage({ first }: { first: Order }) {
  const { info, messages } = useConversation(first.conversation);
  // The name of a colleague comes with the first answer.
  const answer = messages.find(({ senderId }) => senderId === info?.handler);
  const name = answer?.sender.name ?? info?.teams?.[0]?.name;
  const [order, setOrder] = useState(first);

  // Each message may be news about the order.
  useEffect(() => {
    if (messages.length > 0) getOrder().then(setOrder, console.error);
  }, [messages.length]);

  return (
    <>
      <h1>Order {order.number}</h1>
      <p>
        Status: <strong>{order.status}</strong>
      </p>
      <p>{info?.handler ? `${name} answers you.` : "Ask us anything."}</p>
      <Conversation id={order.conversation} />
      <NotifyButton />
    </>
  );
}

await show(async () => <OrderPage first={await getOrder()} />);
