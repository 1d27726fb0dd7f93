self.addEventListener("push", (event) => {
  const push = event.data.json();
  event.waitUntil(push.type === "dismiss" ? dismiss(push.ids) : show(push));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow("/"));
});

const show = (push) => self.registration.showNotification(push.title, { body: push.body, tag: push.id });

// The customer has read these on another device.
async function dismiss(ids) {
  for (const shown of await self.registration.getNotifications()) {
    if (ids.includes(shown.tag)) shown.close();
  }
}
