// The side of a browser that receives pushes, of which the push service is a double.
import { arrived, until } from "./browser.mjs";

// Stands for the browser's own connection to its push service. Everything else of the browser is real.
function subscribeTo(given) {
  const subscription = (key) => ({
    ...given,
    options: { applicationServerKey: Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)).buffer },
    toJSON: () => given,
    unsubscribe: async () => localStorage.removeItem("subscribed") ?? true,
  });
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    localStorage.setItem("subscribed", applicationServerKey);
    return subscription(applicationServerKey);
  };
  PushManager.prototype.getSubscription = async () => {
    const key = localStorage.getItem("subscribed");
    return key === null ? null : subscription(key);
  };
}

// Returns a script that subscribes pages to this push service, the double.
export const subscribingTo = (subscription) => `(${subscribeTo})(${JSON.stringify(subscription)})`;

// Runs in the worker. Counts the pushes that it has handled.
function countHandled() {
  self.handled = 0;
  const { waitUntil } = ExtendableEvent.prototype;
  PushEvent.prototype.waitUntil = function (promise) {
    waitUntil.call(this, promise);
    promise.finally(() => self.handled++);
  };
}

// The service worker of the pages at an address.
export class ServiceWorker {
  #page;
  #session;
  #origin;
  #registrationId;
  #delivered = [];

  static async of(page, address) {
    const worker = new ServiceWorker();
    worker.#page = page;
    worker.#origin = new URL(address).origin;
    worker.#session = await page.context().newCDPSession(page);
    const registered = new Promise((found) =>
      worker.#session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: [first] }) => first && found(first.registrationId)),
    );
    await worker.#session.send("ServiceWorker.enable");
    worker.#registrationId = await arrived("a registered service worker", registered);
    await until(() => page.context().serviceWorkers().length, (count) => count > 0);
    await worker.evaluate(countHandled);
    return worker;
  }

  // Returns once the worker has handled the push. Chromium may lose a notification that is asked for while it appears.
  async deliver(pushed) {
    const data = JSON.stringify(pushed);
    this.#delivered.push(data);
    await this.#session.send("ServiceWorker.deliverPushMessage", {
      origin: this.#origin,
      registrationId: this.#registrationId,
      data,
    });
    await until(() => this.evaluate(() => self.handled), (count) => count === this.#delivered.length);
  }

  evaluate(run, given) {
    return this.#page.context().serviceWorkers()[0].evaluate(run, given);
  }

  // What is shown, once it is so many.
  async shown(count) {
    const read = () =>
      this.evaluate(async () => {
        const all = await self.registration.getNotifications();
        return all.map(({ title, body, icon, tag, silent }) => ({ title, body, icon: icon.split(/[:,]/, 2)[0], tag, silent }));
      });
    const all = await until(read, ({ length }) => length === count);
    if (all.length !== count) throw new Error(`shown: ${JSON.stringify(all)}, after ${this.#delivered.join()}`);
    return all;
  }

  // Clicks on the only notification. Windows open and get the focus only after a real click, of which there is none here.
  click() {
    return this.evaluate(async () => {
      let opened = null;
      self.clients.openWindow = async (address) => {
        opened = address;
        return null;
      };
      let focused = false;
      WindowClient.prototype.focus = async function () {
        focused = true;
        return this;
      };
      const [notification] = await self.registration.getNotifications();
      const waited = [];
      const event = new NotificationEvent("notificationclick", { notification });
      event.waitUntil = (promise) => waited.push(promise);
      self.dispatchEvent(event);
      await Promise.all(waited);
      return { opened, focused, left: (await self.registration.getNotifications()).length };
    });
  }
}
