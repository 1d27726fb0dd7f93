// One plain page: sign in, conversations, one of them open. `#/conversation/ID` says which.
//
// Texts of others become text nodes, never HTML. What is shown is made from `conversations`, `history` and `outbox`;
// after a reconnect the first two are loaded again and the third is sent again.

import { Api } from "./api.js";
import { ChatSocket } from "./socket.js";

const MESSAGE_MAX_BYTES = 64 * 1024;
const TYPING_REPEAT_MS = 3_000;
const TYPING_LASTS_MS = 6_000;
const TOGETHER_MS = 5 * 60_000;
const RETRY_MS = 2_000;

const byId = (id) => document.getElementById(id);
const [entrance, account, chat, scroller, text, dialog, newForm] = [
  "entrance", "account", "chat", "scroller", "text", "dialog", "new",
].map(byId);

const api = new Api();
const socketUrl = new URL("socket.io/?EIO=4&transport=websocket", document.baseURI);
socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
const socket = new ChatSocket(socketUrl, () => api.auth, { connected, lost, refused, event });

/** What was loaded of the conversations, by id; and those with messages that have not been on the screen. */
let conversations = new Map();
let nextConversations = null;
const unseen = new Set();
/** The open conversation's messages; null when none is open. */
let history = null;
/** What is not acknowledged yet, oldest first: `{clientMessageId, conversationId, content, problem}`. */
let outbox = [];
const drafts = new Map();
/** Who types in the open conversation: user id -> `{name, timer}`. */
const typing = new Map();
let typingToldAt = 0;

// --- elements --------------------------------------------------------------------------------------------------------

/** An element; children that are texts stay texts. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Makes `children` the parent's children and touches only what differs, so that focus and selection stay. */
function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

function avatar(id, name) {
  const initial = [...name.trim()][0] ?? "?";
  const element = make("span", { className: "avatar", ariaHidden: "true" }, initial.toUpperCase());
  element.style.setProperty("--hue", [...id].reduce((hash, letter) => (hash * 31 + letter.codePointAt(0)) % 360, 7));
  return element;
}

function button(label, onclick) {
  return make("button", { type: "button", className: "quiet", onclick }, ...[label].flat());
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const list = new Intl.ListFormat("en");
const dayOf = (iso) => new Date(iso).toDateString();

function timeOf(iso, format = clock) {
  const date = new Date(iso);
  return make("time", { dateTime: iso, title: date.toLocaleString() }, format.format(date));
}

function showField(label, shown) {
  label.hidden = !shown;
  label.querySelector("input").disabled = !shown;
}

/** Runs what a form does; meanwhile it waits, and a refusal is shown in it. */
async function attempt(form, action) {
  const problem = form.querySelector(".problem");
  if (form.ariaBusy) return;
  form.ariaBusy = "true";
  problem.textContent = "";
  try {
    await action();
    form.reset();
  } catch (error) {
    problem.textContent = error.message;
  } finally {
    form.ariaBusy = null;
  }
}

// --- signing in and out ----------------------------------------------------------------------------------------------

byId("account-other").onclick = () => {
  const registers = byId("account-name").hidden;
  showField(byId("account-name"), registers);
  account.elements.password.autocomplete = registers ? "new-password" : "current-password";
  byId("account-title").textContent = byId("account-go").textContent = registers ? "Create account" : "Sign in";
  byId("account-other").textContent = registers ? "Sign in instead" : "Create an account instead";
};

account.onsubmit = (submit) => {
  submit.preventDefault();
  const fields = Object.fromEntries(new FormData(account));
  attempt(account, () => api.signIn("name" in fields ? "register" : "login", fields).then(enter));
};

async function showEntrance(reason) {
  chat.hidden = true;
  entrance.hidden = false;
  document.title = "Talkwire";
  account.querySelector(".problem").textContent = reason;
  const { users } = await fetch("demo.json").then((answer) => answer.json()).catch(() => ({ users: [] }));
  byId("demo").hidden = users.length === 0;
  const enterAs = (id) => attempt(account, () => api.enterAs(id).then(enter));
  arrange(byId("demo-users"), users.map((id) => make("li", {}, button([avatar(id, id), id], () => enterAs(id)))));
}

function enter() {
  const { id, name } = api.user;
  entrance.hidden = true;
  chat.hidden = false;
  arrange(byId("me"), [avatar(id, name), make("strong", { dir: "auto" }, name)]);
  byId("my-id").textContent = id;
  outbox = JSON.parse(sessionStorage.getItem(outboxKey())) ?? [];
  byId("connection").textContent = "Connecting…";
  socket.open();
  byId("start").focus();
  openRoute();
}

/** Forgets who was signed in; what they have not sent yet waits for them in this tab. */
function leave(reason = "") {
  socket.close();
  api.forget();
  closeConversation();
  outbox = [];
  conversations.clear();
  unseen.clear();
  drafts.clear();
  dialog.close();
  showEntrance(reason);
}

byId("sign-out").onclick = async () => {
  if (outbox.length > 0 && !confirm("Some messages have not been sent. Sign out and drop them?")) return;
  sessionStorage.removeItem(outboxKey());
  socket.close();
  await api.logout();
  leave();
};

// --- the connection --------------------------------------------------------------------------------------------------

function connected() {
  byId("connection").textContent = "";
  outbox.filter(({ problem }) => !problem).forEach(send);
  loadConversations();
  history?.loadNewest();
}

function lost() {
  byId("connection").textContent = "No connection. Trying again…";
  [...typing.keys()].forEach(stopTyping);
  typingToldAt = 0;
}

/** The token is not good, or not any more; unless the server has trouble of its own, which passes. */
async function refused(code) {
  try {
    if (code !== "unavailable") await api.refresh();
    if (api.user) socket.openLater();
  } catch (error) {
    if (!api.user) return;
    if (error.code === "unreachable" || error.code === "unavailable") socket.openLater();
    else leave("Please sign in again.");
  }
}

const handlers = {
  "message:new": received,
  "conversation:new": loadConversations,
  "member:added": membersChanged,
  "member:removed": membersChanged,
  "typing:user": ({ conversationId, userId, userName, isTyping }) => {
    if (history?.id !== conversationId) return;
    stopTyping(userId);
    if (isTyping) typing.set(userId, { name: userName, timer: setTimeout(stopTyping, TYPING_LASTS_MS, userId) });
    showTyping();
  },
  "session:ending": ({ reason }) => {
    if (reason === "banned") leave("This account is banned.");
    if (reason === "logout") leave("You have signed out.");
  },
};

function event(name, payload) {
  handlers[name]?.(payload);
}

function membersChanged({ conversationId, userId }) {
  if (userId === api.user.id && history?.id === conversationId) location.hash = "#/";
  else if (history?.id === conversationId) history.loadNewest();
  loadConversations();
}

// --- the list of conversations ---------------------------------------------------------------------------------------

/** The first page anew, or the one that follows those which are shown. */
async function loadConversations({ cursor } = {}) {
  const { id } = api.user;
  const next = cursor ? `&cursor=${cursor}` : "";
  const page = await api.request("GET", `conversations?limit=100${next}`).catch(() => null);
  if (page === null || api.user?.id !== id) return; // The next connection loads them again.
  const heard = conversations;
  if (!cursor) conversations = new Map();
  for (const found of page.items) {
    const known = heard.get(found.id);
    if (known && found.lastSeq > known.lastSeq) unseen.add(found.id);
    conversations.set(found.id, known?.lastSeq > found.lastSeq ? known : found);
  }
  nextConversations = page.next;
  showConversations();
}

function conversationItem({ id, name = "Group", lastMessage, updatedAt }) {
  const when = lastMessage?.createdAt ?? updatedAt;
  const author = lastMessage?.senderId === api.user.id ? "You" : lastMessage?.sender.name;
  const preview = lastMessage ? `${author}: ${lastMessage.content ?? "deleted"}` : "No messages yet";
  const link = make(
    "a",
    { href: `#/conversation/${encodeURIComponent(id)}`, ariaCurrent: history?.id === id ? "page" : null },
    avatar(id, name),
    make("strong", { dir: "auto" }, name),
    timeOf(when, dayOf(when) === dayOf(Date.now()) ? clock : shortDay),
    make("span", { className: "preview", dir: "auto" }, preview.slice(0, 200)),
  );
  if (unseen.has(id)) link.append(make("span", { className: "new" }, "new"));
  return make("li", {}, link);
}

function showConversations() {
  if (history && !document.hidden) unseen.delete(history.id);
  const newest = ({ lastMessage, updatedAt }) => lastMessage?.createdAt ?? updatedAt;
  const sorted = [...conversations.values()].sort((one, other) => (newest(one) < newest(other) ? 1 : -1));
  const focused = document.activeElement?.closest("#conversations a")?.hash;
  arrange(byId("conversations"), sorted.map(conversationItem));
  if (focused) [...byId("conversations").querySelectorAll("a")].find(({ hash }) => hash === focused)?.focus();
  byId("more").hidden = nextConversations === null;
  document.title = `${unseen.size > 0 ? `(${unseen.size}) ` : ""}${(history && byId("title").textContent) || "Talkwire"}`;
}

byId("more").onclick = () => loadConversations({ cursor: nextConversations });
document.onvisibilitychange = () => chat.hidden || showConversations();

// --- the open conversation -------------------------------------------------------------------------------------------

/** What is loaded of a conversation: all messages from some point on, without a gap. */
class History {
  conversation = null;
  problem = "";
  hasOlder = false;
  messages = []; // ascending
  #elements = new Map();

  constructor(id) {
    this.id = id;
    this.path = `conversations/${encodeURIComponent(id)}`;
  }

  add(messages) {
    const all = new Map([...this.messages, ...messages].map((message) => [message.id, message]));
    this.messages = [...all.values()].sort((one, other) => one.seq - other.seq);
  }

  async loadNewest() {
    try {
      this.conversation = await api.request("GET", this.path);
      const page = await api.request("GET", `${this.path}/messages`);
      this.add(page.items);
      this.#forgetBeforeGap();
      if (this.messages[0]?.id === page.items[0]?.id) this.hasOlder = page.next !== null;
      this.problem = "";
    } catch (error) {
      this.problem = error.message;
    }
    if (history === this) showHistory();
  }

  async loadOlder() {
    const page = await api.request("GET", `${this.path}/messages?before=${this.messages[0].id}`);
    this.add(page.items);
    this.hasOlder = page.next !== null;
  }

  /** What `build` makes, made once for each key. */
  element(key, build) {
    if (!this.#elements.has(key)) this.#elements.set(key, build());
    return this.#elements.get(key);
  }

  // After a long time without connection, the newest page need not touch what was loaded before.
  #forgetBeforeGap() {
    const { messages } = this;
    const gap = messages.findLastIndex(({ seq }, index) => index > 0 && messages[index - 1].seq !== seq - 1);
    if (gap > 0) this.messages = messages.slice(gap);
  }
}

function messageItem({ senderId, sender, content, createdAt }) {
  return make(
    "li",
    { className: senderId === api.user.id ? "message own" : "message" },
    avatar(senderId, sender.name),
    make("div", { className: "byline" }, make("strong", { dir: "auto" }, sender.name), timeOf(createdAt)),
    make("p", { dir: "auto" }, content ?? "deleted"),
  );
}

function unsentItem(entry) {
  const state = make("small", {}, "Not sent yet…");
  if (entry.problem) {
    Object.assign(state, { className: "problem", role: "alert", textContent: `Not sent. ${entry.problem}` });
    const again = button("Try again", () => send(Object.assign(entry, { problem: "" })));
    state.append(again, button("Discard", () => settle(entry.clientMessageId)));
  }
  return make("li", { className: "message own unsent" }, make("p", { dir: "auto" }, entry.content), state);
}

function dayItem(iso) {
  return make("li", { className: "day" }, timeOf(iso, day));
}

/** Days, messages and what waits to be sent; what one author wrote in one go stands together. */
function historyItems() {
  const items = [];
  let previous = { createdAt: 0 };
  for (const message of history.messages) {
    const date = dayOf(message.createdAt);
    const begins = date !== dayOf(previous.createdAt);
    if (begins) items.push(history.element(date, () => dayItem(message.createdAt)));
    const close = new Date(message.createdAt) - new Date(previous.createdAt) < TOGETHER_MS;
    const item = history.element(message.id, () => messageItem(message));
    item.classList.toggle("continued", close && !begins && message.senderId === previous.senderId);
    items.push(item);
    previous = message;
  }
  for (const entry of outbox.filter(({ conversationId }) => conversationId === history.id)) {
    items.push(history.element(`${entry.clientMessageId} ${entry.problem}`, () => unsentItem(entry)));
  }
  return items;
}

const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
const goToEnd = () => (scroller.scrollTop = scroller.scrollHeight);

function showHistory() {
  const { problem, hasOlder } = history;
  const conversation = history.conversation ?? conversations.get(history.id);
  const follows = isAtEnd();
  const items = historyItems();
  arrange(byId("messages"), items);
  byId("older").hidden = !hasOlder;
  byId("title").textContent = conversation ? conversation.name ?? "Group" : "";
  const members = conversation?.kind === "group" ? conversation.members : null;
  byId("members").textContent = (members ?? []).map(({ name }) => name).join(", ");
  const empty = items.length === 0 ? "No messages yet. Write the first one." : "";
  byId("note").textContent = problem || (history.conversation ? empty : "Loading…");
  if (follows) goToEnd();
  byId("newest").hidden = isAtEnd();
  showConversations();
}

function closeConversation() {
  if (history) {
    drafts.set(history.id, text.value);
    tellTyping(false);
  }
  [...typing.keys()].forEach(stopTyping);
  history = null;
}

/** The id in the page's address; empty when there is none. */
function routedId() {
  try {
    return decodeURIComponent(/^#\/conversation\/([^/]+)$/.exec(location.hash)?.[1] ?? "");
  } catch {
    return "";
  }
}

function openRoute() {
  if (!api.user) return;
  closeConversation();
  const id = routedId();
  chat.classList.toggle("one-open", id !== "");
  if (id === "") return showConversations();
  history = new History(id);
  text.value = drafts.get(history.id) ?? "";
  showHistory();
  history.loadNewest();
  (matchMedia("(pointer: fine)").matches ? text : byId("title")).focus();
}

byId("older").onclick = async () => {
  const loading = history;
  byId("older").disabled = true;
  await loading.loadOlder().catch((error) => (loading.problem = error.message));
  byId("older").disabled = false;
  if (history !== loading) return;
  const fromEnd = scroller.scrollHeight - scroller.scrollTop;
  showHistory();
  scroller.scrollTop = scroller.scrollHeight - fromEnd;
};
byId("newest").onclick = goToEnd;
scroller.onscroll = () => isAtEnd() && (byId("newest").hidden = true);
window.onhashchange = openRoute;

function received(message) {
  const isOwn = message.senderId === api.user.id;
  if (isOwn) settle(message.clientMessageId);
  const conversation = conversations.get(message.conversationId);
  if (!conversation) loadConversations();
  else if (message.seq > conversation.lastSeq) {
    conversation.lastSeq = message.seq;
    conversation.lastMessage = message;
  }
  if (!isOwn) unseen.add(message.conversationId);
  if (history?.id !== message.conversationId) return showConversations();
  stopTyping(message.senderId);
  if (!isOwn) byId("announcer").textContent = `${message.sender.name}: ${message.content}`;
  history.add([message]);
  showHistory();
}

// --- typing and sending ----------------------------------------------------------------------------------------------

function stopTyping(userId) {
  clearTimeout(typing.get(userId)?.timer);
  typing.delete(userId);
  showTyping();
}

function showTyping() {
  const names = [...typing.values()].map(({ name }) => name);
  const verb = names.length === 1 ? "is" : "are";
  byId("typing").textContent = names.length === 0 ? "" : `${list.format(names)} ${verb} typing…`;
}

/** Tells the others that one types, every few seconds, or that one has stopped. */
function tellTyping(types) {
  if (types ? Date.now() - typingToldAt < TYPING_REPEAT_MS : typingToldAt === 0) return;
  typingToldAt = types ? Date.now() : 0;
  socket.tell(types ? "typing:start" : "typing:stop", { conversationId: history.id });
}

text.oninput = () => {
  text.setCustomValidity("");
  tellTyping(text.value !== "");
};
text.onkeydown = (press) => {
  if (press.key !== "Enter" || press.shiftKey || press.isComposing) return;
  press.preventDefault();
  byId("composer").requestSubmit();
};

byId("composer").onsubmit = (submit) => {
  submit.preventDefault();
  const content = text.value.trim();
  text.focus();
  if (content === "") return;
  if (new TextEncoder().encode(content).length > MESSAGE_MAX_BYTES) {
    text.setCustomValidity("A message may have 64 KiB. Send this one in parts.");
    text.reportValidity();
    return;
  }
  text.value = "";
  tellTyping(false);
  // Not randomUUID, which is missing where the page came over plain HTTP.
  const clientMessageId = crypto.getRandomValues(new Uint32Array(4)).join("-");
  outbox.push({ clientMessageId, conversationId: history.id, content, problem: "" });
  send(outbox.at(-1));
  goToEnd();
};

const outboxKey = () => `talkwire.outbox.${api.user.id}`;

function keepOutbox() {
  sessionStorage.setItem(outboxKey(), JSON.stringify(outbox));
  if (history) showHistory();
}

/** The entry needs to be sent no more. */
function settle(clientMessageId) {
  outbox = outbox.filter((entry) => entry.clientMessageId !== clientMessageId);
  keepOutbox();
}

/** Sends an entry. When the connection is lost meanwhile, the next one sends it again: the server stores it once. */
async function send(entry) {
  keepOutbox();
  const { clientMessageId, conversationId, content } = entry;
  const answer = await socket.ask("message:send", { clientMessageId, conversationId, content }).catch(() => null);
  if (answer?.success) return received(answer.message);
  const error = answer?.error;
  if (error?.code === "unavailable" || error?.code === "rate_limited") {
    setTimeout(() => outbox.includes(entry) && send(entry), error.details?.retryAfterMs ?? RETRY_MS);
  } else if (error) {
    entry.problem = error.message;
    keepOutbox();
  }
}

// --- a new conversation ----------------------------------------------------------------------------------------------

function chooseKind(kind) {
  showField(byId("new-name"), kind === "group");
  byId("new-whom").textContent = kind === "group" ? "User ids, separated by commas" : "User id";
}

byId("start").onclick = () => {
  newForm.reset();
  newForm.querySelector(".problem").textContent = "";
  chooseKind("direct");
  dialog.showModal();
  newForm.elements.members.focus();
};
byId("new-cancel").onclick = () => dialog.close();
newForm.onchange = ({ target }) => target.name === "kind" && chooseKind(target.value);

newForm.onsubmit = (submit) => {
  submit.preventDefault();
  const { kind, members, name } = Object.fromEntries(new FormData(newForm));
  const memberIds = members.split(/[\s,]+/).filter(Boolean);
  attempt(newForm, async () => {
    const { id } = await api.request("POST", "conversations", { kind, memberIds, name });
    dialog.close();
    loadConversations();
    location.hash = `#/conversation/${encodeURIComponent(id)}`;
  });
};

if (api.user) enter();
else showEntrance("");
