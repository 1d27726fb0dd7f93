// A console for the talks dialect: npm install socket.io-client, then
//
//   node talks-console.mjs http://127.0.0.1:3000/talks TOKEN
//
// or without /talks, where the server was started with --dialect talks. It prints what the server sends, and has a
// function for each event to try:
//
//   joinConversation('talk-123')
//   sendMessage('talk-123', 'Hello World!')
//   sendTyping('talk-123', true)
//   markAsRead('talk-123')
//   leaveConversation('talk-123')
//
// Each prints the server's ack. `.exit` ends the console.
import { start } from "node:repl";
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:3000/talks", token] = process.argv.slice(2);
const socket = io(url, { auth: { token } });
const joined = new Set();

const show = (name, value) => console.log(name, JSON.stringify(value));
const ask = (name, payload) =>
  new Promise((done) => socket.emit(name, payload, (answer) => (show(`${name} ->`, answer), done(answer.success))));

async function joinConversation(conversationId) {
  if (await ask("join-conversation", { conversationId })) joined.add(conversationId);
}

async function leaveConversation(conversationId) {
  if (await ask("leave-conversation", { conversationId })) joined.delete(conversationId);
}

// A retry with the same `clientMessageId` sends no second message.
async function sendMessage(conversationId, content) {
  await ask("message", { conversationId, content, clientMessageId: crypto.randomUUID() });
}

async function sendTyping(conversationId, isTyping) {
  await ask("typing", { conversationId, isTyping });
}

async function markAsRead(conversationId) {
  await ask("read", { conversationId });
}

socket.onAny((name, payload) => show(name, payload));
socket.on("connect_error", (error) => show("connect_error", { message: error.message, ...error.data }));

// A reconnect makes a new socket, which has to join again.
socket.on("connected", () => joined.forEach(joinConversation));

const prompt = start({ prompt: "", ignoreUndefined: true });
for (const command of [joinConversation, leaveConversation, sendMessage, sendTyping, markAsRead]) {
  prompt.context[command.name] = (...given) => void command(...given); // it shows the answer, not a promise
}
prompt.on("exit", () => socket.disconnect());
