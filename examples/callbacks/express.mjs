// Moderates messages and signs users in, as an application's own back end.
//
//   npm install express standardwebhooks
//   CALLBACK_SECRET=whsec_… PORT=8000 node express.mjs
import express from "express";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.CALLBACK_SECRET);
const app = express();

// Verifies that the request comes from your chat server. The signature is of the body's bytes, so parse it afterwards.
app.use("/chat", express.raw({ type: "application/json", limit: "2mb" }), (request, response, next) => {
  try {
    request.body = webhook.verify(request.body.toString(), request.headers);
    next();
  } catch {
    response.status(401).end();
  }
});

// Who does this token, or this cookie, belong to?
const sessions = new Map([["session-of-ada", { userId: "ada", name: "Ada", claims: { plan: "free" } }]]);

app.post("/chat/connect", (request, response) => {
  const user = sessions.get(request.body.token);
  response.json(user ?? { error: { code: "unauthenticated", message: "Sign in again." } });
});

// May this message be sent, and as it is?
app.post("/chat/before-send", (request, response) => {
  const { actor, command } = request.body;
  const text = command.content ?? "";
  if (/buy now/i.test(text) && actor.role === "user") {
    response.json({ error: { code: "forbidden", message: "Advertising is not allowed here." } });
  } else if (/damn/i.test(text)) {
    response.json({ command: { ...command, content: text.replace(/damn/gi, "****") } });
  } else {
    response.json({});
  }
});

const server = app.listen(process.env.PORT ?? 8000, "127.0.0.1", () => {
  console.log(`listening on port ${server.address().port}`);
});
