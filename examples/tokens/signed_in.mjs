// A client that stays connected for longer than a token is good.
//
//   npm install socket.io-client
//   node signed_in.mjs http://localhost:3000 https://app.example.com/chat-token
import { io } from "socket.io-client";

const [url, tokenUrl] = process.argv.slice(2);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function fetchToken() {
  const answer = await fetch(tokenUrl, { credentials: "include", signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${tokenUrl} answers ${answer.status}`);
  return answer.text();
}

// Tries until it gets a token: after half a second, then twice as long each time, up to 30 seconds.
async function freshToken() {
  for (let pause = 500; ; pause = Math.min(2 * pause, 30_000)) {
    try {
      return await fetchToken();
    } catch (error) {
      console.log(`no token: ${error.message}`);
      await sleep(pause * (0.5 + Math.random()));
    }
  }
}

// Asked for at every connection, also when the client reconnects by itself.
const socket = io(url, { auth: (give) => freshToken().then((token) => give({ token })) });

let timer;

async function renew() {
  clearTimeout(timer);
  const connection = socket.id;
  const token = await freshToken();
  if (socket.id !== connection) return; // the next connection brings a token of its own
  try {
    const answer = await socket.timeout(10_000).emitWithAck("auth:refresh", { token });
    if (!answer.success) throw new Error(answer.error.message);
    console.log(`signed in until ${answer.expiresAt}`);
    timer = setTimeout(renew, (Date.parse(answer.expiresAt) - Date.now()) / 2);
  } catch (error) {
    console.log(`not renewed: ${error.message}`);
    timer = setTimeout(renew, 5_000);
  }
}

socket.on("connected", renew);
socket.on("session:ending", ({ reason }) => console.log(`the server closes the socket: ${reason}`));
socket.on("disconnect", () => clearTimeout(timer));
socket.on("connect_error", (error) => console.log(`not connected: ${error.data?.code ?? error.message}`));
