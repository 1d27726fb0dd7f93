// A page of an application whose tokens soon expire, with nothing but the official client.
//
//   node renewal_client.mjs LIBRARY URL TOKEN_URL TRANSPORT[,TRANSPORT]
//
// Prints each connection, each message, and why a connection ended, one line of JSON each.
const [library, url, tokenUrl, transports] = process.argv.slice(2);
const { io } = await import(library);

function report(happened, detail) {
  console.log(JSON.stringify([happened, detail]));
}

const socket = io(url, {
  transports: transports.split(","),
  auth: (give) => fetch(tokenUrl).then(async (answer) => give({ token: await answer.text() })),
});

socket.on("connected", () => report("connected", socket.recovered ?? false));
socket.on("message:new", ({ content }) => report("message", content));
socket.on("session:ending", ({ reason }) => report("ending", reason));
socket.on("disconnect", (reason) => report("disconnected", reason));
socket.on("connect_error", (error) => report("refused", error.data?.code ?? error.message));
