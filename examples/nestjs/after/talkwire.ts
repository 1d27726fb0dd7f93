// The shop's requests to Talkwire, with a token of the role `service`.
import { tokenOf } from "../shop.js";

export async function talkwire(method: string, path: string, body?: object) {
  const token = await tokenOf({ id: "shop", name: "Shop" }, { role: "service" });
  const response = await fetch(`${process.env.TALKWIRE}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

// A second request for the same conversation, with the same members, returns the first one.
export function createConversation(orderId: string, buyer: string) {
  const id = `order-${orderId}`;
  const memberIds = [buyer, "support"];
  const name = `Order ${orderId}`;
  return talkwire("POST", "/api/v1/conversations", { id, kind: "group", name, memberIds, notify: "all" });
}
