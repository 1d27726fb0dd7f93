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

// The people of the shop who answer, in the conversations of all orders. A colleague is one more name in the list.
export function putTeam() {
  return talkwire("PUT", "/api/v1/teams/staff", { name: "Support", memberIds: ["support"] });
}

// A second request for the same conversation, with the same members, returns the first one.
export function createConversation(orderId: string, buyer: string) {
  const id = `order-${orderId}`;
  const people = { memberIds: [buyer], teamIds: ["staff"] };
  return talkwire("POST", "/api/v1/conversations", { id, kind: "group", name: `Order ${orderId}`, ...people, notify: "all" });
}
