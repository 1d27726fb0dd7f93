// A client that stays connected for longer than a token is good.
//
//   npm install socket.io-client
//   node signed_in.mjs http://localhost:3000 https://app.example.com/chat-token
import { io } from "socket.io-client";

const [url, tokenUrl] = process.argv.slice(2);
const freshToken = async () => (await fetch(tokenUrl, { credentials: "include" })).text();

// Asked at every connection, also when the client comes back by itself.
const socket = io(url, { auth: (give) => freshToken().then((token) => give({ token })) });

let timer;

async function renew() {
  clearTimeout(timer);
  const answer = await socket.emitWithAck("auth:refresh", { token: await freshToken() });
  if (!answer.success) return; // the socket goes on until its present token expires
  console.log(`signed in until ${answer.expiresAt}`);
  timer = setTimeout(renew, (Date.parse(answer.expiresAt) - Date.now()) / 2);
}

socket.on("connected", renew);
socket.on("session:ending", ({ reason }) => console.log(`the server closes the socket: ${reason}`));
socket.on("disconnect", (reason) => {
  // Of a lost connection the client takes care itself; here the server has closed the socket, its token having expired, say.
  if (reason === "io server disconnect") socket.connect();
});
socket.on("connect_error", (error) => console.log(`not connected: ${error.data?.code ?? error.message}`));
