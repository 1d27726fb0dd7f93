// What axe, and what screen readers read, say about a page.
import { deepEqual } from "node:assert/strict";
import { readFile } from "node:fs/promises";

const AXE = await readFile(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
export const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// Loads axe into the page, where it is not loaded yet. The browser runs it past the page's policy.
export async function loadAxe(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
}

// Fails where something is wrong with what is on the screen now.
export async function passesAxe(page, screen) {
  deepEqual(await violations(page, screen), []);
}

// Returns what axe finds wrong in what is on the screen now: by all rules in the light look, and by those about colors in
// the dark one, as nothing else differs.
export async function violations(page, screen) {
  await loadAxe(page);
  const found = [];
  for (const look of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: look });
    for (const { id, nodes } of await page.evaluate(brokenRules, { tags: RULES, look }))
      for (const { html, failureSummary } of nodes)
        found.push(`${screen}, ${look}: ${id}: ${html.slice(0, 160)}: ${failureSummary}`);
  }
  for (const name of (await articleNames(page)).filter((each) => !SAID.test(each)))
    found.push(`${screen}: an article is called "${name}"`);
  return found;
}

// What a screen reader calls a message or an offer that has the focus: who wrote it, when, and what it says.
const SAID = /^(?:[^,:]+, ){0,3}\d+:\d\d.*: ./s;

export async function articleNames(page) {
  const session = await page.context().newCDPSession(page);
  const { root } = await session.send("DOM.getDocument", { depth: 0 });
  const { nodes } = await session.send("Accessibility.queryAXTree", { nodeId: root.nodeId, role: "article" });
  await session.detach();
  return nodes.map(({ name }) => name?.value ?? "");
}

// Runs in the page.
async function brokenRules({ tags, look }) {
  // Rows below the visible ones lie over each other until the list has measured them, in the frame after their first one.
  const placed = () => [...document.querySelectorAll(".row")].map((row) => row.getBoundingClientRect().y).join();
  for (let before, now = placed(), same = 0; same < 3; same = now === before ? same + 1 : 0) {
    await new Promise(requestAnimationFrame);
    [before, now] = [now, placed()];
  }
  // Until no color is on its way from one look to the other.
  const transitions = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
  await Promise.allSettled(transitions.map(({ finished }) => finished));
  const skipped = ({ tags }) => look === "dark" && !tags.includes("cat.color");
  const rules = window.axe.getRules().filter(skipped).map(({ ruleId }) => [ruleId, { enabled: false }]);
  const options = {
    runOnly: { type: "tag", values: tags },
    rules: Object.fromEntries(rules),
    // Otherwise axe describes at length what passes.
    resultTypes: ["violations"],
  };
  // Of the grid of all emoji, the library counts rows from 0.
  return (await window.axe.run({ exclude: [["[frimousse-list]"]] }, options)).violations;
}
