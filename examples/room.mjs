// One conversation on a page: shows its messages, new ones as they arrive, and sends.
//
//   npm install socket.io-client
import { io } from "socket.io-client";

export function openRoom({ url, conversationId, getToken, show }) {
  const socket = io(url, { auth: (give) => getToken().then((token) => give({ token })) });
  const shown = new Set();
  const add = (message) => {
    if (message.conversationId !== conversationId || shown.has(message.id)) return;
    shown.add(message.id);
    show(message);
  };
  socket.on("message:new", add);
  socket.on("connected", async () => {
    const page = await socket.emitWithAck("messages:list", { conversationId }); // the newest 50
    for (const message of page.messages ?? []) add(message);
  });
  return {
    send: (content, clientMessageId = crypto.randomUUID()) =>
      socket.emitWithAck("message:send", { conversationId, content, clientMessageId }),
    close: () => socket.close(),
  };
}
