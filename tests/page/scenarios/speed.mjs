import { atEnd, composer, conversations, message, report, url, visit, visitAs } from "../browser.mjs";

const WHEEL_STEPS = 60;

// Through a conversation with very many messages, by all ways that there are.
export async function long() {
  const alice = await visitAs("alice");
  let most = 0;
  const count = async () => {
    most = Math.max(most, await alice.locator(".row").count());
  };
  await conversations(alice).filter({ hasText: "Long" }).click();
  await message(alice, "Message 100000").waitFor();
  await alice.mouse.move(700, 350);
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await alice.mouse.wheel(0, -3_000);
    await count();
  }
  const first = await alice.evaluate(async (address) => {
    const answer = await fetch(address);
    return (await answer.json()).items[0].id;
  }, `${url}/api/v1/conversations/long/messages?aroundSeq=1&limit=1&userId=alice`);
  await alice.goto(`${url}/#/conversation/long/${first}`);
  await message(alice, "Message 1").waitFor();
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await alice.mouse.wheel(0, 3_000);
    await count();
  }
  await alice.getByRole("button", { name: /^Jump to newest/ }).click();
  await message(alice, "Message 100000").waitFor();
  await count();
  report("went through", { most });
}

// One's own message is there when the browser next draws.
export async function own() {
  const alice = await visitAs("alice");
  await conversations(alice).filter({ hasText: "Long" }).click();
  await message(alice, "Message 100000").waitFor();
  await atEnd(alice);
  await composer(alice).fill("at once");
  await alice.evaluate(() => {
    window.drawn = new Promise((resolve) => {
      addEventListener("keydown", () => {
        requestAnimationFrame(() => resolve([...document.querySelectorAll(".message .text")].at(-1).textContent));
      });
    });
  });
  await composer(alice).press("Enter");
  report("drawn", { text: await alice.evaluate(() => window.drawn) });
}

// How much script the browser receives for the entrance, and for the page of a signed-in user, until it is idle. What
// the page loads ahead of its need when it is idle would be counted on a fast machine only.
export async function first() {
  const visitor = await visit();
  await visitor.locator(".entrance button").first().waitFor();
  const entrance = await scriptOf(visitor);
  await visitor.context().close();
  const alice = await visitAs("alice");
  await alice.addInitScript(() => (window.requestIdleCallback = () => 0));
  await alice.reload();
  await conversations(alice).first().waitFor();
  report("loaded", { entrance, signedIn: await scriptOf(alice) });
}

function scriptOf(page) {
  return page.evaluate(() => {
    const scripts = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"));
    return scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  });
}
