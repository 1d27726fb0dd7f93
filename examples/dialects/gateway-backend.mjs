// A backend that sends events to users of the gateway dialect, on whichever node they are. It needs no library:
//
//   node gateway-backend.mjs http://127.0.0.1:3000 SERVICE_TOKEN USER [USER …]
//
// The token is of the role `service` or `admin`: talkwire token backend --role service
const [url = "http://127.0.0.1:3000", token, ...userIds] = process.argv.slice(2);
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

async function call(method, path, body) {
  const answer = await fetch(new URL(path, url), { method, headers, body: body && JSON.stringify(body) });
  console.log(`${method} ${path} ->`, JSON.stringify(await answer.json()));
}

const [userId] = userIds;
const message = { title: "Your order", body: "It is on its way", timestamp: new Date().toISOString() };
await call("GET", "/api/gateway/connected");
await call("GET", "/api/gateway/stats");
await call("GET", `/api/gateway/status/${userId}`);
await call("POST", "/api/gateway/send", { userId, event: "notification", message });
await call("POST", "/api/gateway/send-many", { userIds, event: "announcement", message: { body: "We close at six" } });
// `store` keeps the event for a user who is offline, until they connect.
const alarm = { message: "Call us" };
await call("POST", "/api/gateway/send", { userId: "test", event: "alert", message: alarm, store: true });
