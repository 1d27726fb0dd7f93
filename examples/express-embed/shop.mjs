// A shop on Express, whose customers chat about an order on the order's page.
//
//   npm install express jose
//   JWT_SECRET=… TALKWIRE=http://localhost:3000 PORT=8000 node shop.mjs
//
// What the chat needs are `/chat-token`, `/orders/:number` and its page; the rest is the shop.
import express from "express";
import { SignJWT } from "jose";

const { JWT_SECRET, TALKWIRE, PORT } = process.env;
const secret = new TextEncoder().encode(JWT_SECRET);
const app = express();

const orderPage = (number) => `<!doctype html>
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Order ${number}</title>
<h1>Order ${number}</h1>

<script type="module" src="${TALKWIRE}/embed.js"></script>
<talkwire-chat server="${TALKWIRE}" conversation="order-${number}" compact></talkwire-chat>
<script>
  document.querySelector("talkwire-chat").token = async () => {
    const answer = await fetch("/chat-token");
    if (!answer.ok) throw new Error(\`/chat-token answers \${answer.status}\`);
    return answer.text();
  };
</script>
`;

const signed = (claims) =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setExpirationTime("15m").sign(secret);

// Who is signed in. A real shop looks into its session, and its cookie is signed.
const customerOf = (request) => /(?:^|; )customer=([a-z]+)/.exec(request.headers.cookie ?? "")?.[1];

app.get("/sign-in", (request, response) => {
  response.cookie("customer", request.query.name, { httpOnly: true, sameSite: "lax" });
  response.redirect("/orders/17");
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
  const created = await fetch(`${TALKWIRE}/api/v1/conversations`, {
    method: "POST",
    headers: {
      "Authorization": `Bearer ${await signed({ sub: "shop", role: "service" })}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({
      id: `order-${number}`,
      kind: "group",
      name: `Order ${number}`,
      memberIds: [customer, "support"],
      notify: "all",
    }),
  });
  if (!created.ok) throw new Error(`Talkwire answers ${created.status}: ${await created.text()}`);
  response.send(orderPage(number));
});

app.listen(Number(PORT), () => console.log(`listening on port ${PORT}`));
