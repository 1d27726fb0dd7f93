// The chat on the page of an order: its tokens, and a button for pushes of the answers.
const chat = document.querySelector("talkwire-chat");
const button = document.querySelector("#notify");

chat.token = async () => {
  const answer = await fetch("/chat-token");
  if (!answer.ok) throw new Error(`/chat-token answers ${answer.status}`);
  return answer.text();
};

// Sends a request to Talkwire as the customer.
async function talkwire(method, path, body) {
  const answer = await fetch(`${chat.getAttribute("server")}/api/v1/${path}`, {
    method,
    headers: { "Authorization": `Bearer ${await chat.token()}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`Talkwire answers ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function subscribe(pushManager) {
  await Notification.requestPermission();
  const { publicKey } = await talkwire("GET", "push/key");
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey });
}

async function offerPushes() {
  await navigator.serviceWorker.register("/sw.js");
  const { pushManager } = await navigator.serviceWorker.ready;

  // Talkwire pushes to this browser while it has the subscription, which each visit of the page renews.
  async function update() {
    const subscription = await pushManager.getSubscription();
    button.textContent = subscription === null ? "Notify me of answers" : "Stop notifying me";
    button.hidden = false;
    if (subscription === null) return;
    const { endpoint, keys } = subscription.toJSON();
    await talkwire("PUT", "users/me/push", { endpoint, keys });
  }

  button.addEventListener("click", async () => {
    try {
      const subscription = await pushManager.getSubscription();
      await (subscription === null ? subscribe(pushManager) : subscription.unsubscribe());
      await update();
    } catch (error) {
      button.textContent = `No notifications: ${error.message}`;
    }
  });
  await update();
}

if ("serviceWorker" in navigator && "PushManager" in window) await offerPushes();
