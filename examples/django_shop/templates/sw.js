// Shows the answers that Talkwire pushes while the customer has no page of the shop open.
self.addEventListener("push", (event) => {
  const push = event.data.json();
  event.waitUntil(push.type === "dismiss" ? dismiss(push.ids) : show(push));
});

// The conversation `order-17` is on the page `/orders/17/`.
function show({ id, title = "Your order", body, conversationId = "" }) {
  const page = conversationId.startsWith("order-") ? `/orders/${conversationId.slice("order-".length)}/` : "/";
  return self.registration.showNotification(title, { body, tag: id, data: page });
}

// Removes what the customer has read on another device.
async function dismiss(ids) {
  for (const shown of await self.registration.getNotifications()) if (ids.includes(shown.tag)) shown.close();
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data));
});
