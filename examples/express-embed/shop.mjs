// A shop on Express, whose customers chat about an order on the order's page.
//
//   npm install express jose
//   JWT_SECRET=… TALKWIRE=http://localhost:3000 PORT=8000 node shop.mjs
//
// What the chat needs are the team, `/chat-token`, `/orders/:number` and its page; the rest is the shop.
import express from "express";
import { SignJWT } from "jose";

const { JWT_SECRET, TALKWIRE, PORT } = process.env;
const secret = new TextEncoder().encode(JWT_SECRET);
const app = express();

const orderPage = (number) => `<!doctype html>
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Order ${number}</title>
<h1>Order ${number}</h1>
<button id="notify" hidden></button>

<script type="module" src="${TALKWIRE}/embed.js"></script>
<script type="module" src="/chat.js"></script>
<talkwire-chat server="${TALKWIRE}" conversation="order-${number}" compact></talkwire-chat>
`;

const signed = (claims) =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setExpirationTime("15m").sign(secret);

// Sends a request to Talkwire as the shop itself. Returns null for what does not exist.
async function talkwire(method, path, body) {
  const token = await signed({ sub: "shop", role: "service" });
  const headers = { "Authorization": `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${TALKWIRE}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (method === "GET" && answer.status === 404) return null;
  if (!answer.ok) throw new Error(`Talkwire answers ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

// The people who answer. Only the first start makes the team, since colleagues join it later.
if ((await talkwire("GET", "teams/support")) === null) {
  await talkwire("PUT", "teams/support", { name: "Support", memberIds: ["sam"] });
}

// Who is signed in. A real shop looks into its session, and its cookie is signed.
const customerOf = (request) => /(?:^|; )customer=([a-z]+)/.exec(request.headers.cookie ?? "")?.[1];

app.get("/sign-in", (request, response) => {
  response.cookie("customer", request.query.name, { httpOnly: true, sameSite: "lax" });
  response.redirect("/orders/17/");
});

// A token of the customer who is signed in.
app.get("/chat-token", async (request, response) => {
  const customer = customerOf(request);
  if (customer === undefined) return response.status(403).send("Sign in first.");
  response.set("Cache-Control", "no-store").type("text").send(await signed({ sub: customer, name: customer }));
});

// An order, after making sure that its conversation exists.
app.get("/orders/:number", async (request, response) => {
  const customer = customerOf(request);
  if (customer === undefined) return response.status(403).send("Sign in first.");
  const number = Number.parseInt(request.params.number, 10);
  // A second request with the same members returns the existing conversation.
  await talkwire("POST", "conversations", {
    id: `order-${number}`,
    kind: "group",
    name: `Order ${number}`,
    memberIds: [customer],
    teamIds: ["support"],
    notify: "all",
  });
  response.send(orderPage(number));
});

// The scripts `chat.js` and `sw.js`.
app.use(express.static(`${import.meta.dirname}/public`));

app.listen(Number(PORT), () => console.log(`listening on port ${PORT}`));
