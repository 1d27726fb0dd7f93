import type { PushKey, Talkwire } from "@talkwire/client";
import { useTalkwire } from "@talkwire/react";
import { useCallback, useEffect, useState } from "react";
import { deviceId } from "./chat";

/** Has Talkwire push to this browser. `renew`: it did before. */
async function subscribe(chat: Talkwire, renew: boolean): Promise<void> {
  if (!("PushManager" in window)) throw new Error("This browser cannot be notified.");
  if ((await Notification.requestPermission()) !== "granted")
    throw new Error("Your browser does not allow it: change that in its settings for this page.");
  await navigator.serviceWorker.register("/sw.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  if (!renew) await (await pushManager.getSubscription())?.unsubscribe(); // it may be for another server
  const { publicKey } = await chat.request<PushKey>("GET", "push/key");
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey });
  const { endpoint, keys } = subscription.toJSON();
  await chat.request("PUT", "users/me/push", { endpoint, keys, deviceId, renew });
}

/** Returns whether somebody has turned notifications on in this browser. */
async function isSubscribed(): Promise<boolean> {
  const registration = await navigator.serviceWorker?.getRegistration();
  return (await registration?.pushManager?.getSubscription()) != null;
}

export function NotifyButton() {
  const chat = useTalkwire();
  const [isOn, setOn] = useState(false);
  const [problem, setProblem] = useState("");

  const turnOn = useCallback(
    (renew: boolean) =>
      subscribe(chat, renew).then(
        () => setOn(true),
        (error) => setProblem(error.message),
      ),
    [chat],
  );

  // The keys of the subscription may have changed, and the server may have lost it.
  useEffect(() => {
    isSubscribed().then((before) => {
      if (before) turnOn(true);
    });
  }, [turnOn]);

  if (isOn) return <p>This browser notifies you of answers while the page is closed.</p>;
  return (
    <p>
      <button type="button" onClick={() => turnOn(false)}>
        Notify me of answers
      </button>{" "}
      {problem}
    </p>
  );
}
