import { report, visit } from "../browser.mjs";

// Two people on the page of `examples/dialects` at `server`, with these tokens.
export async function crm({ server, tokens }) {
  const [one, other] = await Promise.all(
    tokens.map(async (token) => {
      const page = await visit({ path: `?server=${server}#${token}` });
      await page.getByText("here as").waitFor();
      return page;
    }),
  );
  await one.getByLabel("Message").fill("Hel");
  await other.getByText("typing …").waitFor();
  await say(one, "Hello from a page");
  for (const page of [one, other]) await page.getByText("Hello from a page").waitFor();
  await say(other, "Hello to a page");
  for (const page of [one, other]) await page.getByText("Hello to a page").waitFor();
  const all = (selector) => Promise.all([one, other].map((page) => page.locator(selector).allInnerTexts()));
  report("talked", { seen: await all("#messages p"), states: (await all("#state")).flat() });
}

async function say(page, text) {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

// Two people on pages that load the official client from the server, as `<script>` and as a module.
export async function clientBundle({ tokens }) {
  const pages = [await visit({ path: `/script.html#${tokens[0]}` }), await visit({ path: `/module.html#${tokens[1]}` })];
  for (const page of pages) await page.getByText("signed in").waitFor();
  await pages[0].getByRole("button").click();
  for (const page of pages) await page.getByText("Hello!").waitFor();
  report("talked", { seen: await Promise.all(pages.map((page) => page.locator("#seen").innerText())) });
}
