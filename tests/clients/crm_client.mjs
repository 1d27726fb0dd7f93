// The official Socket.IO client in the crm dialect, which gives its token in one of the three ways there are.
//
//   node crm_client.mjs URL auth|header|query TRANSPORT[,TRANSPORT] TOKEN CHAT
//
// Says what it hears, one line of JSON each. It speaks before it is connected: the client keeps that until it is.
import { io } from "socket.io-client";

const [url, way, transports, token, chat] = process.argv.slice(2);
const options = { transports: transports.split(","), reconnection: false };
const socket = {
  auth: () => io(`${url}/chat`, { ...options, auth: { token } }),
  header: () => io(`${url}/chat`, { ...options, extraHeaders: { authorization: `Bearer ${token}` } }),
  query: () => io(`${url}/chat?token=${token}`, options),
}[way]();

function report(received) {
  console.log(JSON.stringify(received));
}

function ask(event, payload) {
  return new Promise((done) => {
    const answered = (answer) => done(report({ answer }));
    if (payload === undefined) socket.emit(event, answered);
    else socket.emit(event, payload, answered);
  });
}

socket.on("connect_error", (error) => {
  report({ refused: error.message });
  process.exit(1);
});
const news = new Promise((done) => socket.on("newMessage", (news) => done(report({ news }))));

await Promise.all([
  ask("authenticate"),
  ask("joinChat", { chatId: Number(chat) }),
  ask("sendMessage", { chatId: Number(chat), content: "Hello!" }),
  news,
]);
socket.disconnect();
