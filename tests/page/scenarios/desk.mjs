import { holdable, message, open, post, report, say, until, url, visitAs, write } from "../browser.mjs";

// What the server answers to the application's back end.
async function asService(token, method, path, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

// A team of bob and carol, and a conversation of a customer with it. Each scenario has a team of its own.
async function openDesk(token, team, { customer = "alice", name = `Order of ${team}` } = {}) {
  await asService(token, "PUT", `teams/${team}`, { name: `Team ${team}`, memberIds: ["bob", "carol"] });
  const { id } = await asService(token, "POST", "conversations", {
    kind: "group",
    id: `order-${team}`,
    name,
    memberIds: [customer],
    teamIds: [team],
  });
  return id;
}

const deskButton = (page) => page.locator(".side-button").filter({ hasText: "Desk" });
const tab = (page, name) => page.getByRole("tab", { name, exact: true });
const rows = (page) => page.locator(".desk-rows a");
const bar = (page) => page.locator(".desk-bar");
const handling = (page) => bar(page).getByRole("status");
const action = (page, name) => bar(page).getByRole("button", { name, exact: true });
const says = (page, text) => handling(page).getByText(text, { exact: true }).waitFor();

// Opens the desk and the conversation in the list that it begins with.
async function openFromDesk(page, name) {
  await deskButton(page).click();
  await rows(page).filter({ hasText: name }).click();
  await bar(page).waitFor();
}

// A customer waits, two colleagues want the conversation, and it goes from one to the other until it is closed.
export async function journey({ token }) {
  const name = "Order 40";
  const id = await openDesk(token, "journey", { name });
  const [alice, bob, carol] = await Promise.all(
    ["alice", "bob", "carol"].map((user) => visitAs(user, { expected: /409|conflict/ })),
  );
  await open(alice, name);
  await say(alice, "My cup is broken.");
  await until(() => deskButton(bob).textContent(), (text) => /1 conversation waits/.test(text));
  await openFromDesk(bob, name);
  const waits = await rows(bob).filter({ hasText: name }).textContent();
  const calls = await holdable(carol);
  await openFromDesk(carol, name);
  await says(carol, "Nobody handles this");
  // Both want it, and bob is faster.
  calls.hold();
  await action(carol, "Take").click();
  await action(bob, "Take").click();
  await says(bob, "You handle this");
  calls.release();
  await carol.getByText("bob was faster and handles this conversation now.").waitFor();
  await says(carol, "bob handles this");
  await action(carol, "Take over").click();
  await says(bob, "carol handles this");
  // To bob again, who answers and closes it.
  await action(carol, "Hand over").click();
  await carol.getByRole("radio", { name: "bob" }).check();
  await carol.getByLabel("Note for the next one").fill("She wants another cup.");
  await carol.locator("dialog").getByRole("button", { name: "Hand over", exact: true }).click();
  await says(bob, "You handle this");
  await say(bob, "A new one is on its way.");
  await message(alice, "A new one is on its way.").waitFor();
  const answered = await until(() => rows(bob).count(), (count) => count === 0);
  await action(bob, "Close").click();
  await says(carol, "Closed");
  await tab(bob, "Closed").click();
  await rows(bob).filter({ hasText: name }).waitFor();
  await tab(bob, "Waiting").click();
  await say(alice, "It is broken too.");
  await rows(bob).filter({ hasText: name }).waitFor();
  await says(bob, "Nobody handles this");
  report("served", {
    waits: ["alice", "My cup is broken.", "Waiting for less than a minute", "Nobody handles this"].every((text) => waits.includes(text)),
    answered,
    forCustomer: { entries: await deskButton(alice).count(), bars: await bar(alice).count() },
  });
}
