// The pages of the examples, with the official clients and with those of this project.
import { deepEqual, equal } from "node:assert/strict";
import { until, visit } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

async function say(page, text) {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

test("Two people talk on a page of the CRM dialect with the newest official client", ["dialect_pages"], ({ server }) =>
  talkWith("socket.io-client", server),
);

test("Two people talk on a page of the CRM dialect with the official client 4.5.4", ["dialect_pages"], ({ server }) =>
  talkWith("socket.io-client-4.5.4", server),
);

async function talkWith(client, server) {
  const { address, tokens } = await server.chat();
  const [one, other] = await Promise.all(
    tokens.map(async (token) => {
      const page = await visit({ path: `/${client}/dialects/crm.html?server=${address}#${token}` });
      await page.getByText("here as").waitFor();
      return page;
    }),
  );
  // The page does not show when it has joined the chat, and what is typed before then does not reach it.
  const isTyping = async () => {
    await one.getByLabel("Message").fill("Hel");
    return other.getByText("typing …").waitFor({ timeout: 1_000 }).then(() => true, () => false);
  };
  equal(await until(isTyping, Boolean), true);
  await say(one, "Hello from a page");
  for (const page of [one, other]) await page.getByText("Hello from a page").waitFor();
  await say(other, "Hello to a page");
  for (const page of [one, other]) await page.getByText("Hello to a page").waitFor();
  for (const page of [one, other]) {
    const seen = await page.locator("#messages p").allInnerTexts();
    deepEqual(seen, ["123: Hello from a page", "Bob: Hello to a page"]);
  }
  equal(await one.locator("#state").innerText(), "here as 123");
  equal(await other.locator("#state").innerText(), "here as bob");
}

test("Pages load the client from the server", ["client_pages"], async ({ server }) => {
  const tokens = await server.tokens();
  const pages = [await visit({ path: `/script.html#${tokens[0]}` }), await visit({ path: `/module.html#${tokens[1]}` })];
  for (const page of pages) await page.getByText("signed in").waitFor();
  await pages[0].getByRole("button").click();
  for (const page of pages) await page.getByText("Hello!").waitFor();
});

for (const name of ["react", "vue", "angular"]) {
  test(`The page of ${name} sends and receives`, ["framework_pages"], async ({ server }) => {
    await server.build(name);
    const page = await visit({ path: `/${name}/dist/index.html` });
    await page.getByText("online").waitFor();
    const text = `Hello from ${name}!`;
    await say(page, text);
    await page.getByText(`Bot: You said: ${text}`).waitFor();
    const seen = await page.locator("li").allInnerTexts();
    deepEqual(seen.slice(-2), [`Visitor: ${text}`, `Bot: You said: ${text}`]);
    equal(await page.getByLabel("Message").inputValue(), "");
  });
}
