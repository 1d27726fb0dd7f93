// Invitation links, and what the page offers by who may register.
import { deepEqual, equal } from "node:assert/strict";
import {
  call,
  conversations,
  field,
  message,
  open,
  opened,
  post,
  say,
  start,
  submitAccount,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const GROUP = "The club";
const registers = (page) => page.getByRole("form", { name: "Create account" });
const signsIn = (page) => page.getByRole("form", { name: "Sign in" });
const joins = (page) => page.locator("dialog").getByRole("button", { name: "Join", exact: true });

// The link that somebody makes of a group of theirs, from the clipboard.
async function linkOf(page, uses) {
  await page.getByRole("button", { name: "Details" }).click();
  await page.getByRole("button", { name: "Create invitation link" }).click();
  await page.getByRole("combobox", { name: "Can be used by" }).selectOption(uses);
  await page.locator("dialog").getByRole("button", { name: "Create invitation link" }).click();
  const link = await field(page, "Invitation link").inputValue();
  await page.locator("dialog").getByRole("button", { name: "Copy link" }).and(page.locator(":focus")).waitFor();
  await page.locator("dialog").getByRole("button", { name: "Copy link" }).click();
  await becomes(() => page.evaluate(() => navigator.clipboard.readText()), link);
  await page.locator("dialog").getByRole("button", { name: "Close" }).click();
  return link;
}

// Of the open conversation.
const idOf = (page) => decodeURIComponent(page.url().split("/").at(-1));

// The links of a group, in its details: copied again where they were made, and revoked.
test("Links are listed and revoked", ["invite_only_server"], async () => {
  const alice = await visitAs("alice", { permissions: ["clipboard-read", "clipboard-write"] });
  await start(alice, ["bob", "carol"], "Links");
  await opened(alice, "Links");
  const link = await linkOf(alice, "1 person");
  const id = idOf(alice);
  await call("POST", "invitations", "alice", { conversationIds: [id] });
  await alice.getByRole("button", { name: "Details" }).click();
  await alice.getByRole("button", { name: "Details" }).click();
  const list = alice.getByRole("region", { name: "Invitation links" });
  await list.locator("li").nth(1).waitFor();
  const listed = await list.locator("li").evaluateAll((all) =>
    all.map((it) => `${it.querySelector(".name").firstChild.data}: ${it.querySelector("span.detail").textContent}`),
  );
  deepEqual(listed.map((text) => text.split(" · ")[0]), ["By alice: Not used yet", "By alice: 1 use left"]);
  // The clipboard still has the link since it was made.
  await alice.evaluate(() => navigator.clipboard.writeText("something else"));
  await list.getByRole("button", { name: "Copy the link by alice" }).click();
  await becomes(() => alice.evaluate(() => navigator.clipboard.readText()), link);
  await list.locator("li").last().getByRole("button", { name: "Revoke the link by alice" }).click();
  const question = alice.getByRole("dialog", { name: "Revoke this invitation link?" });
  await question.getByRole("button", { name: "Revoke", exact: true }).click();
  await alice.locator(".toast:popover-open").getByText("revoked").waitFor();
  equal(await alice.locator(".toast p").textContent(), "Invitation link revoked.");
  // Of a link that was made elsewhere, the page has no address.
  equal(await list.getByRole("button", { name: "Copy the link by alice" }).count(), 0);
  equal(await list.locator("li").count(), 1);
  const { items } = await call("GET", `invitations?conversationId=${encodeURIComponent(id)}`, "alice");
  equal(items.length, 1);
});

// Anyone who joins by a link changes its use count in the details, and a link that is used up leaves the list.
test("The uses of a link are counted while its list is open", ["invite_only_server"], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Counted");
  await opened(alice, "Counted");
  const id = idOf(alice);
  const forMany = await post("invitations", "alice", { conversationIds: [id] });
  const forOne = await post("invitations", "alice", { conversationIds: [id], maxUses: 1 });
  await alice.getByRole("button", { name: "Details" }).click();
  const rows = alice.getByRole("region", { name: "Invitation links" }).locator("li");
  const counts = async () => (await rows.locator("span.detail").allTextContents()).map((text) => text.split(" · ")[0]);
  await becomes(counts, ["1 use left", "Not used yet"]);
  await post(`invitations/${codeOf(forOne)}/accept`, "test", {});
  await rows.nth(1).waitFor({ state: "detached" });
  deepEqual(await counts(), ["Not used yet"]);
  await post(`invitations/${codeOf(forMany)}/accept`, "123", {});
  await becomes(counts, ["Used once"]);
});

// A link does not work while the user who created it may not invite.
test("A link whose creator may not invite any more says that it does not work", ["invite_only_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Handed on", memberIds: ["bob"] });
  await call("PATCH", `conversations/${id}/members/bob`, "alice", { role: "admin" });
  await post("invitations", "bob", { conversationIds: [id] });
  const alice = await visitAs("alice");
  await open(alice, "Handed on");
  await alice.getByRole("button", { name: "Details" }).click();
  const detail = alice.getByRole("region", { name: "Invitation links" }).locator("li .detail");
  const before = await detail.textContent();
  equal(before, "Not used yet");
  await call("PATCH", `conversations/${id}/members/bob`, "alice", { role: "member" });
  await detail.getByText("Does not work").waitFor();
  await call("PATCH", `conversations/${id}/members/bob`, "alice", { role: "admin" });
  await detail.getByText(before, { exact: true }).waitFor();
});

const codeOf = ({ code, url: link }) => code ?? new URL(link).hash.split("/").at(-1);

// On a server where nobody registers without an invitation.
test("A link leads from its making into the conversation", ["invite_only_server"], async () => {
  const alice = await visitAs("alice", { permissions: ["clipboard-read", "clipboard-write"] });
  await start(alice, ["bob", "carol"], GROUP);
  await opened(alice, GROUP);
  await say(alice, "Welcome");
  const link = await linkOf(alice, "Any number of people");

  // Without the link there is nothing to register with.
  const plain = await visit();
  await signsIn(plain).getByText("To create an account, open your invitation link.").waitFor();
  equal(await plain.getByRole("button", { name: "Create an account instead" }).count(), 0);

  // With it, one registers and is in the group; a reload in between changes nothing.
  const dora = await visit({ path: link.slice(url.length), expected: /status of 401/ });
  await registers(dora).waitFor();
  equal(await dora.evaluate(() => location.hash), "");
  await dora.reload();
  await registers(dora).getByText(`You have been invited to ${GROUP}.`).waitFor();
  await submitAccount(dora, { Name: "Dora", "E-mail": "dora@example.com", Password: "correct horse" });
  await opened(dora, GROUP);
  await message(dora, "Welcome").waitFor();
  await say(dora, "Hello all");
  await message(alice, "Hello all").waitFor();
  equal(await joins(dora).count(), 0);

  // Anyone who is signed in is asked.
  const tess = await visitAs("test");
  await tess.goto(link);
  await tess.getByRole("dialog", { name: `Join ${GROUP}` }).waitFor();
  await joins(tess).and(tess.locator(":focus")).waitFor();
  await tess.keyboard.press("Enter");
  await opened(tess, GROUP);
  await message(tess, "Hello all").waitFor();

  // Anyone who has an account signs in. Members are not asked.
  await dora.getByRole("button", { name: /^Your account/ }).click();
  await dora.getByRole("menuitem", { name: "Sign out" }).click();
  await signsIn(dora).waitFor();
  await dora.goto(link);
  await registers(dora).waitFor();
  await submitAccount(dora, { "E-mail": "dora@example.com", Password: "correct horse" });
  await opened(dora, GROUP);

  // And who says no is not asked again.
  const other = await visitAs("123");
  await other.goto(link);
  await other.getByRole("button", { name: "Not now" }).click();
  await other.reload();
  await conversations(other).first().waitFor();
  equal(await joins(other).count(), 0);

  // Members are led there.
  await open(tess, "test-conv");
  await tess.goto(link);
  await opened(tess, GROUP);
});

// A link that is used up, for who is signed in and for who is not.
test("A link that is used up or revoked says so", ["invite_only_server"], async () => {
  const alice = await visitAs("alice", { permissions: ["clipboard-read", "clipboard-write"] });
  await start(alice, ["bob", "carol"], "For one");
  await opened(alice, "For one");
  const link = await linkOf(alice, "1 person");
  const path = link.slice(url.length);
  const first = await visit({ path, expected: /status of 403/ });
  const second = await visit({ path, expected: /status of 403/ });
  for (const page of [first, second]) await registers(page).getByText("You have been invited to For one.").waitFor();
  await submitAccount(first, { Name: "Finn", "E-mail": "finn@example.com", Password: "correct horse" });
  await opened(first, "For one");
  await submitAccount(second, { Name: "Gina", "E-mail": "gina@example.com", Password: "correct horse" });
  await signsIn(second).waitFor();
  equal(
    await second.locator(".entrance > form .problem").textContent(),
    "This invitation is no longer valid. The link has expired, was used up or was revoked. Ask for a new one.",
  );
  equal(await second.getByLabel("E-mail").inputValue(), "gina@example.com");
  // Anyone who opens it later is not asked to fill in a form in vain.
  const third = await visit({ path, expected: /status of 403/ });
  await third.getByRole("alert").getByText("This invitation is no longer valid.").waitFor();
  equal(await registers(third).count(), 0);
  const tess = await visitAs("test", { expected: /status of 40[34]/ });
  await tess.goto(link);
  const over = tess.getByRole("dialog", { name: "This invitation is no longer valid" });
  await over.waitFor();
  equal(await joins(tess).count(), 0);
  await over.getByRole("button", { name: "Go to your conversations" }).click();
  await over.waitFor({ state: "detached" });

  // Another one is revoked while the question is open, and opened again.
  const another = await post("invitations", "alice", { conversationIds: [idOf(alice)] });
  await tess.goto(another.url);
  await joins(tess).waitFor();
  await call("DELETE", `invitations/${another.id}`, "alice");
  await joins(tess).click();
  await over.waitFor();
  await tess.reload();
  await over.waitFor();
  equal(await joins(tess).count(), 0);
});

// On a server without accounts: no form for one is shown, also not before the page knows. The demo's people need none.
test("Where there are no accounts there is no form", ["accountless_server"], async () => {
  const page = await visit();
  let answer;
  const asked = new Promise((resolve) => {
    answer = resolve;
  });
  await page.route("**/api/v1/server", (route) => asked.then(() => route.continue()));
  await Promise.all([page.waitForResponse("**/demo.json"), page.reload()]);
  await page.locator(".entrance-head").waitFor();
  const forms = page.locator("form:not(.demo-other)");
  equal(await forms.count(), 0);
  answer();
  await page.getByText("Sign in through the application that this chat belongs to.").waitFor();
  equal(await forms.count(), 0);
});

// The demo offers its users with their pictures, and with an initial who has another picture by now.
test("The demo offers a user with another picture by the initial", ["own_server"], async () => {
  const before = await visit();
  await before.locator(".demo-people img").first().waitFor();
  const pictures = await before.locator(".demo-people img").count();
  equal(await before.locator(".demo-people button").count(), pictures);
  const form = new FormData();
  form.append("file", new Blob(["<svg/>"], { type: "image/png" }), "other.png");
  const file = await (await fetch(`${url}/api/v1/files?userId=maya`, { method: "POST", body: form })).json();
  await call("PATCH", "users/me", "maya", { avatar: file.url });
  const after = await visit({ expected: /status of 40[34]/ });
  equal(await after.getByRole("button", { name: "Maya Lindgren" }).locator(".avatar").textContent(), "M");
  equal(await after.locator(".demo-people img").count(), pictures - 1);
});
