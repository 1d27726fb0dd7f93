// A message that is being written, read by Vercel's AI SDK and by AG-UI's client.
//
//   node stream_readers.mjs URL TOKEN MESSAGE_ID
//
// Takes orders, one each line, and reports what each reader has, in one line of JSON:
//   resume   useChat's Chat begins to read, or reads again after its connection was lost
//   lose     its connection is lost
//   run      the AG-UI client begins to read
//   wait     waits for the ends of those that read
import { createInterface } from "node:readline";
import { HttpAgent } from "@ag-ui/client";
import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";

const [url, token, messageId] = process.argv.slice(2);
const stream = `${url}/api/v1/messages/${messageId}/stream`;
const headers = { Authorization: `Bearer ${token}` };
const transport = new DefaultChatTransport({
  prepareReconnectToStreamRequest: () => ({ api: `${stream}?format=ui-message`, headers }),
});
const chat = new Chat({ transport });

class Agent extends HttpAgent {
  requestInit() {
    return { method: "GET", headers };
  }
}
const agent = new Agent({ url: `${stream}?format=ag-ui` });

let connection = new AbortController();
const plainFetch = globalThis.fetch;
globalThis.fetch = (address, options) => {
  const isOfChat = String(address).endsWith("ui-message");
  return plainFetch(address, isOfChat ? { ...options, signal: connection.signal } : options);
};

const reading = { chat: Promise.resolve(), agent: Promise.resolve() };
let refusal;

const shown = () => ({
  chat: chat.messages,
  status: chat.status,
  error: chat.error?.message,
  agent: agent.messages,
  refusal,
});

const orders = {
  resume() {
    connection = new AbortController();
    reading.chat = chat.resumeStream();
  },
  async lose() {
    connection.abort();
    await reading.chat.catch(() => undefined);
  },
  async run() {
    await new Promise((resolve) => {
      reading.agent = agent.runAgent({}, {
        onRunStartedEvent: () => resolve(),
        onRunErrorEvent: ({ event }) => {
          refusal = event.message;
        },
      });
    });
  },
  async wait() {
    await Promise.all(Object.values(reading));
  },
  shown() {},
};

for await (const order of createInterface({ input: process.stdin })) {
  await orders[order]();
  console.log(JSON.stringify(shown()));
}
