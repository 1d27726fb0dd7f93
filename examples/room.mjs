// One conversation on a page: shows its newest messages and what becomes of them, and sends.
//
//   npm install socket.io-client
import { io } from "socket.io-client";

export function openRoom({ url, conversationId, getToken, show, showStatus }) {
  // Asks for a token at every connection. When a token expires, the server closes the connection, and the client returns.
  const auth = (give) => getToken().then((token) => give({ token }), () => give({}));
  const socket = io(url, { auth });
  const changes = new Map(); // when each message changed, by its id
  const update = (message) => {
    const changedAt = message.deletedAt ?? message.editedAt ?? message.createdAt;
    if (message.conversationId !== conversationId || changedAt <= changes.get(message.id)) return;
    changes.set(message.id, changedAt);
    show(message);
  };
  socket.on("message:new", update);
  socket.on("message:updated", update);
  socket.on("message:deleted", ({ messageId, ...rest }) => update({ id: messageId, ...rest }));
  socket.on("connected", () => {
    showStatus("connected");
    socket.emit("messages:list", { conversationId }, ({ messages = [] }) => messages.forEach(update)); // the newest 50
  });
  socket.on("disconnect", () => showStatus(socket.active ? "connecting again" : "signed out"));
  socket.on("connect_error", ({ message, data }) => {
    showStatus(data?.code ?? message);
    // The library tries again unless the server has refused the token. Then a new one may help.
    if (!socket.active && data?.code !== "banned") setTimeout(() => socket.connect(), 5_000);
  });
  return {
    // Fails after ten seconds without an answer. Send again with the same id then: the message is stored once.
    send: async (content, clientMessageId = crypto.randomUUID()) => {
      const message = { conversationId, content, clientMessageId };
      const answer = await socket.timeout(10_000).emitWithAck("message:send", message);
      if (!answer.success) throw new Error(answer.error.message);
    },
    close: () => socket.close(),
  };
}
