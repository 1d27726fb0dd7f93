// Writes a message from what a model answers, by one request.
//
//   node streamed_body.mjs URL TOKEN MODELS_URL API CONVERSATION_ID CLIENT_MESSAGE_ID
//
// API is `chat` or `responses`. Prints the status and the answer as JSON.
import OpenAI from "openai";

const [url, token, baseURL, api, conversationId, clientMessageId] = process.argv.slice(2);
const openai = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const model = "any";
const messages = [{ role: "user", content: "Where is order 17?" }];

async function writeAnswer() {
  const chunks = await openai.chat.completions.create({ model, messages, stream: true });
  const where = new URLSearchParams({ format: "openai", conversationId, clientMessageId });
  return fetch(`${url}/api/v1/messages/stream?${where}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: chunks.toReadableStream(),
    duplex: "half",
  });
}

async function writeResponse() {
  const events = await openai.responses.create({ model, input: messages, stream: true });
  const where = new URLSearchParams({ format: "openai", conversationId, clientMessageId });
  return fetch(`${url}/api/v1/messages/stream?${where}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: events.toReadableStream(),
    duplex: "half",
  });
}

const answer = await (api === "chat" ? writeAnswer() : writeResponse());
console.log(JSON.stringify({ status: answer.status, answer: await answer.json() }));
