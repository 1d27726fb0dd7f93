// Files: chosen, pasted and dropped, on their way through pauses, reloads and a killed server, and in messages.
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import {
  act,
  call,
  composer,
  conversations,
  ledTo,
  letters,
  LOST,
  message,
  open,
  opened,
  post,
  say,
  start,
  stays,
  submitAccount,
  until,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const MARKUP = "<img src=x onerror=alert(1)>.txt";

const chosen = (page) => page.locator(".composer input[type=file]");
// At the composer: those of the message before stay in its letter until the server has answered.
const pending = (page) => page.locator(".composer .pending-file");
const pictures = (page) => page.locator(".message:not(.letter) .picture");
const attachments = (page) => page.locator(".message:not(.letter) .attachments");
const textFile = (name, content) => ({ name, mimeType: "text/plain", buffer: Buffer.from(content) });

// A picture of one colour.
function picture(name, width, height, shade) {
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(width * 3, shade)]);
  return png(name, width, height, [8, 2], Buffer.concat(Array(height).fill(row)));
}

// A black picture with one bit for each pixel. Its file is as long as a photo.
function huge(name, side) {
  const drawn = png(name, side, side, [1, 0], Buffer.alloc(side * (1 + Math.ceil(side / 8))));
  return { ...drawn, buffer: Buffer.concat([drawn.buffer, Buffer.alloc(2_000_001)]) };
}

function png(name, width, height, [depth, colours], rows) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colours, 0, 0, 0], 8);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return { name, mimeType: "image/png", buffer: Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]) };
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(data.length + 12);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc(body), data.length + 8);
  return framed;
}

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

// Runs in the page. A picture of noise, in which nothing can be saved without loss. `clear`: one corner is transparent.
async function noise({ width, height, type, clear = false }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let at = 0; at < image.data.length; at += 65_536) crypto.getRandomValues(image.data.subarray(at, at + 65_536));
  for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255;
  if (clear) image.data[3] = 0;
  context.putImageData(image, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type, quality: 0.9 })).arrayBuffer());
  return bytes.toBase64?.() ?? btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

// A JPEG whose EXIF data say that it was taken upright.
const upright = (jpeg) => {
  const tiff = Buffer.from("4d4d002a00000008000101120003000000010006000000000000", "hex");
  const exif = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
  const segment = Buffer.concat([Buffer.of(0xff, 0xe1, 0, exif.length + 2), exif]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
};

// A PNG that says that it is animated. Browsers draw it whatever its type is said to be.
const animated = (png) => {
  const frames = Buffer.from("0000000100000000", "hex");
  const size = png.subarray(16, 24);
  const first = Buffer.concat([Buffer.alloc(4), size, Buffer.alloc(8), Buffer.from("000100010000", "hex")]);
  return Buffer.concat([png.subarray(0, 33), chunk("acTL", frames), chunk("fcTL", first), png.subarray(33)]);
};

// Large photos are sent smaller, unless their reader wants the original. Pictures that would lose something are not.
test("Large photos are sent smaller unless the original is wanted", [], async () => {
  const alice = await visitAs("alice");
  const { id } = await post("conversations", "alice", { kind: "group", name: "Photos", memberIds: ["bob"] });
  await open(alice, "Photos");
  const make = async (name, options) => {
    const buffer = Buffer.from(await alice.evaluate(noise, options), "base64");
    return { name, mimeType: options.type, buffer };
  };
  const photo = await make("photo.jpeg", { width: 3000, height: 1500, type: "image/jpeg" });
  photo.buffer = upright(photo.buffer);
  const size = { width: 900, height: 900, type: "image/png" };
  const opaque = await make("opaque.png", size);
  const clear = await make("clear.png", { ...size, height: 960, clear: true });
  const moving = { name: "moving.jpg", mimeType: "image/jpeg", buffer: animated(opaque.buffer) };
  const lengths = [];
  alice.on("request", (request) => {
    const { "upload-length": length } = request.headers();
    if (length !== undefined) lengths.push(Number(length));
  });
  const uploaded = () => until(() => alice.locator(".composer progress").count(), (count) => count === 0);
  const large = huge("huge.png", 7_100);
  await chosen(alice).setInputFiles([photo, opaque, clear, moving, large]);
  await pending(alice).nth(4).waitFor();
  await uploaded();
  const names = await pending(alice).locator(".file-name").allTextContents();
  deepEqual(names, ["photo.jpeg", "opaque.jpg", "clear.png", "moving.jpg", "huge.png"]);
  equal(await alice.getByRole("checkbox", { name: /^Original of/ }).count(), 2);
  const isAsIs = ({ buffer }) => lengths.includes(buffer.length);
  deepEqual([photo, opaque, clear, moving, large].map(isAsIs), [false, false, true, true, true]);
  await alice.getByRole("button", { name: /^Remove file huge/ }).click();
  const newest = async () => (await call("GET", `conversations/${id}/messages`, "alice")).items.at(-1).attachments;
  await composer(alice).press("Enter");
  await pictures(alice).nth(3).waitFor();
  const small = (await newest()).find(({ name }) => name === "photo.jpeg");
  deepEqual([small.width, small.height], [1280, 2560]);
  await chosen(alice).setInputFiles([photo]);
  const wanted = alice.getByRole("checkbox", { name: "Original of photo.jpeg" });
  await wanted.check();
  await uploaded();
  await alice.reload();
  ok(isAsIs(photo));
  ok(await wanted.isChecked());
  await composer(alice).press("Enter");
  await pictures(alice).nth(4).waitFor();
  const { name, width, height } = (await newest())[0];
  deepEqual({ name, width, height }, { name: "photo.jpeg", width: 1500, height: 3000 });
});

// So slow that there is time to do something in between.
async function slowDown(page, bytesPerSecond) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const slow = (uploadThroughput) =>
    session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput,
    });
  await slow(bytesPerSecond);
  return () => slow(-1);
}

const progress = (page) => page.locator(".pending-file progress");
const sent = (page) => progress(page).evaluate((it) => it.value);

async function hasSent(page, bytes) {
  await page.waitForFunction((least) => document.querySelector(".pending-file progress")?.value > least, bytes);
}

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function storedDigest(conversation, user) {
  const { items } = await call("GET", `conversations/${encodeURIComponent(conversation)}/messages`, user);
  const [file] = items.at(-1).attachments;
  const answer = await fetch(`${url}${file.url}?userId=${user}`);
  return digest(Buffer.from(await answer.arrayBuffer()));
}

const gather = (name, memberIds) => post("conversations", "alice", { kind: "group", name, memberIds });
const idOf = (page) => decodeURIComponent(page.url().split("/").at(-1));

// Pictures and others, with a text; looked at by the keyboard, and saved.
test("Files are sent, looked at and saved", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await gather("Files", ["bob"]);
  await open(alice, "Files");
  await open(bob, "Files");
  await composer(alice).fill("Look");
  const files = [picture("a.png", 600, 400, 90), picture("b.png", 50, 80, 200), textFile(MARKUP, "hi")];
  await chosen(alice).setInputFiles(files);
  await pending(alice).nth(2).waitFor();
  await alice.locator(".pending-file .preview img").nth(1).waitFor();
  equal(await alice.locator(".pending-file .preview img").count(), 2);
  await composer(alice).press("Enter");
  await message(bob, "Look").waitFor();
  await pictures(bob).nth(1).waitFor();
  const widths = () =>
    pictures(bob).evaluateAll((all) => all.map((it) => Math.round(it.getBoundingClientRect().width)));
  deepEqual(await widths(), [209, 209]);
  await bob.waitForFunction(() => [...document.querySelectorAll(".picture img")].every((it) => it.naturalWidth > 0));
  const [download] = await Promise.all([
    bob.waitForEvent("download"),
    bob.getByRole("button", { name: `Download ${MARKUP}` }).click(),
  ]);
  ok(download.suggestedFilename().endsWith(".txt"));
  deepEqual(await attachments(bob).locator(".file-card .file-name").allTextContents(), [MARKUP]);

  await pictures(bob).first().press("Enter");
  const viewer = bob.getByRole("dialog", { name: "Picture" });
  await viewer.getByRole("img", { name: "a.png" }).waitFor();
  await bob.keyboard.press("ArrowRight");
  await viewer.getByRole("img", { name: "b.png" }).waitFor();
  equal(await viewer.locator(".place").textContent(), "2 of 2");
  equal(await viewer.locator(".sent bdi").textContent(), "alice");
  await bob.keyboard.press("ArrowLeft");
  await viewer.getByRole("img", { name: "a.png" }).waitFor();
  await viewer.getByRole("button", { name: "Original size" }).click();
  await viewer.getByRole("button", { name: "Fit to window" }).click();
  await bob.keyboard.press("Escape");
  await viewer.waitFor({ state: "detached" });
  await bob.locator("[aria-label]:focus").waitFor();
  equal(await bob.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Open a.png");

  // What is typed after a click is meant for the message field, also if keys have led to another picture.
  await pictures(bob).first().click();
  await viewer.getByRole("img", { name: "a.png" }).waitFor();
  await bob.keyboard.press("ArrowRight");
  await viewer.getByRole("img", { name: "b.png" }).waitFor();
  await bob.keyboard.press("Escape");
  await viewer.waitFor({ state: "detached" });
  await bob.keyboard.type("nice");
  await becomes(() => composer(bob).inputValue(), "nice");
  await composer(bob).fill("");

  await chosen(alice).setInputFiles([picture("alone.png", 600, 400, 10)]);
  await pending(alice).waitFor();
  await alice.getByRole("button", { name: "Send" }).click();
  await pictures(bob).nth(2).waitFor();
  equal(await conversations(bob).filter({ hasText: "Files" }).locator(".last").textContent(), "alice: Photo");
  equal(await bob.locator(".message .text:empty").count(), 0);
  // It has its size before it is loaded.
  equal((await widths())[2], 320);
});

// Pictures alone and in mosaics, on screens of one, two and three pixels in each direction: by how much the browser
// enlarges what it has loaded, at most, and how many of the pictures it has loaded in the large size.
test("Pictures are sharp on dense screens and small on others", [], async () => {
  const alice = await visitAs("alice");
  await gather("Densities", ["bob"]);
  await open(alice, "Densities");
  const sent = [1, 2, 3, 4, 7];
  for (const count of sent) {
    // In a mosaic, those in portrait need more pixels.
    const files = Array.from({ length: count }, (_, at) =>
      at % 2 === 0 && count > 1 ? picture(`${at}.png`, 1050, 1400, 90) : picture(`${at}.png`, 1600, 900, 40 + at),
    );
    await composer(alice).fill(`of ${count}`);
    await chosen(alice).setInputFiles(files);
    await pending(alice).nth(count - 1).waitFor();
    await composer(alice).press("Enter");
    await message(alice, `of ${count}`).waitFor();
  }
  const loaded = async (deviceScaleFactor) => {
    const bob = await visitAs("bob", { deviceScaleFactor, viewport: { width: 1100, height: 2400 } });
    await open(bob, "Densities");
    await pictures(bob).nth(sent.reduce((a, b) => a + b) - 1).waitFor();
    await bob.waitForFunction(() => [...document.querySelectorAll(".picture img")].every((it) => it.naturalWidth > 0));
    return pictures(bob).locator("img").evaluateAll(enlarged);
  };
  const usual = await loaded(1);
  equal(usual.large, 0);
  ok(usual.most <= 1, `enlarged by ${usual.most}`);
  const dense = await loaded(2);
  ok(dense.most <= 1.01, `enlarged by ${dense.most}`);
  // Most are sharp as they are.
  ok(dense.large > 0 && dense.large <= 5, `${dense.large} are large`);
  // Only one that is cut to a whole row is not sharp.
  const densest = await loaded(3);
  ok(densest.most <= 1.32, `enlarged by ${densest.most}`);
});

// Runs in the page.
async function enlarged(images) {
  const all = await Promise.all(
    images.map(async (it) => {
      const { width, height } = await createImageBitmap(await (await fetch(it.currentSrc)).blob());
      return Math.max(it.clientWidth / width, it.clientHeight / height) * devicePixelRatio;
    }),
  );
  const large = images.filter((it) => it.currentSrc.includes("large=true")).length;
  return { most: Math.round(Math.max(...all) * 100) / 100, large };
}

// Red and blue in turn, without end.
const FLICKER = {
  name: "flicker.gif",
  mimeType: "image/gif",
  buffer: Buffer.from(
    "R0lGODlhKAAoAIEAAP8AAAAAAAAAAAAAACH/C05FVFNDQVBFMi4wAwEAAAAh+QQAFAAAACwAAAAAKAAoAAAIQwABCBxIsKDBgwgTKlzIsKHDhxAj" +
      "SpxIsaLFixgzatzIsaPHjyBDihxJsqTJkyhTqlzJsqXLlzBjypxJs6bNmzgJBgQAIfkEARQAAQAsAAAAACgAKACBAAD/AAAAAAAAAAAACEMAAQgc" +
      "SLCgwYMIEypcyLChw4cQI0qcSLGixYsYM2rcyLGjx48gQ4ocSbKkyZMoU6pcybKly5cwY8qcSbOmzZs4CQYEADs=",
    "base64",
  ),
};

// Animated pictures move, unless the reader prefers that nothing does.
test("Animated pictures move for those who want that", [], async () => {
  const [alice, bob] = [await visitAs("alice", { reducedMotion: "no-preference" }), await visitAs("bob")];
  await gather("Moving", ["bob"]);
  await open(alice, "Moving");
  await open(bob, "Moving");
  await chosen(alice).setInputFiles([FLICKER]);
  await pending(alice).waitFor();
  await composer(alice).press("Enter");
  const shown = async (page) => {
    await pictures(page).locator("img").waitFor();
    await page.waitForFunction(() => document.querySelector(".picture img").naturalWidth > 0);
    const address = new URL(await pictures(page).locator("img").getAttribute("src"), url);
    return [address.pathname.split("/").at(-1), await pictures(page).locator(".moves").count()];
  };
  deepEqual(await shown(alice), ["flicker.gif", 0]);
  deepEqual(await shown(bob), ["thumbnail", 1]);
  await bob.emulateMedia({ reducedMotion: "no-preference" });
  await bob.locator(".picture img[src*='flicker.gif']").waitFor();
});

// The files of a conversation, beside it: by kind, by the keyboard, and up to date.
test("A panel lists the files of a conversation", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await gather("Library", ["bob"]);
  await open(alice, "Library");
  await open(bob, "Library");
  const send = async (says, files) => {
    await composer(alice).fill(says);
    await chosen(alice).setInputFiles(files);
    await pending(alice).nth(files.length - 1).waitFor();
    await composer(alice).press("Enter");
    await message(bob, says).waitFor();
  };
  await send("Five", Array.from({ length: 5 }, (_, number) => picture(`${number}.png`, 60, 40, 40 * number)));
  await pictures(bob).nth(4).waitFor();
  const mosaic = await pictures(bob).evaluateAll((all) => {
    const boxes = all.map((it) => it.getBoundingClientRect());
    const isTiled = boxes.every((a, at) => boxes.slice(at + 1).every((b) => a.right <= b.left || a.bottom <= b.top));
    return { rows: new Set(boxes.map(({ top }) => Math.round(top))).size, isTiled };
  });
  deepEqual(mosaic, { rows: 2, isTiled: true });
  await bob.getByRole("button", { name: "Files", exact: true }).click();
  const panel = bob.getByRole("region", { name: "Files" });
  await panel.locator(".picture").nth(4).waitFor();
  await send("Papers", [textFile(MARKUP, "hi"), silence("beep.wav", 1), picture("late.png", 40, 40, 9)]);
  await panel.locator(".picture").nth(5).waitFor();
  equal(await panel.locator(".picture").first().getAttribute("aria-label"), "Open late.png");
  await panel.locator(".picture").first().press("Enter");
  const viewer = bob.getByRole("dialog", { name: "Picture" });
  await viewer.getByText("1 of 6").waitFor();
  await bob.keyboard.press("Escape");
  await viewer.waitFor({ state: "detached" });

  await panel.getByRole("tab", { name: "Media" }).focus();
  await bob.keyboard.press("ArrowRight");
  await panel.getByRole("tabpanel", { name: "Files" }).locator(".file-list li").waitFor();
  deepEqual(await panel.locator(".file-list .file-name").allTextContents(), [MARKUP]);
  await bob.keyboard.press("ArrowRight");
  const links = panel.getByRole("tabpanel", { name: "Links" });
  await links.getByText("No links yet.").waitFor();
  await say(alice, "See https://talkwire.example/docs");
  const link = links.getByRole("link", { name: /talkwire\.example/ });
  equal(await link.getAttribute("href"), "https://talkwire.example/docs");
  await links.getByRole("button", { name: /^Show https:.* from alice/ }).press("Enter");
  await ledTo(bob, "See https://talkwire.example/docs");
  await panel.getByRole("tab", { name: "Links" }).focus();
  await bob.keyboard.press("ArrowRight");
  await panel.getByRole("tabpanel", { name: "Audio" }).locator(".file-list li").waitFor();
  deepEqual(await panel.locator(".file-list .file-name").allTextContents(), ["beep.wav"]);
  await panel.locator(".file-list .find").press("Enter");
  await bob.locator(".row.shown, .message.shown, :focus[data-id]").first().waitFor();

  await act(alice, "Papers", "Delete");
  await alice.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await panel.getByText("No voice messages or music yet.").waitFor();
});

// Plays a recording. It may be over before anybody looks: the page itself looks for the other button in each frame.
async function play(page, within) {
  const playing = page.waitForFunction(() => document.querySelector("[aria-label='Pause voice message']") !== null);
  await within.getByRole("button", { name: "Play voice message", exact: true }).click();
  await playing;
}

// A voice message: recorded, discarded, recorded again, heard before and after it was sent.
test("A voice message is recorded and played", ["whole_browser"], async () => {
  const alice = await visitAs("alice", { permissions: ["microphone"] });
  const bob = await visitAs("bob");
  await gather("Speaking", ["bob"]);
  await open(alice, "Speaking");
  await open(bob, "Speaking");
  const record = alice.getByRole("button", { name: "Record a voice message" });
  const recording = alice.getByRole("group", { name: "Recording a voice message" });
  await record.click();
  await recording.locator("button:focus").waitFor();
  await alice.keyboard.press("Escape");
  await recording.waitFor({ state: "detached" });
  equal(await pending(alice).count(), 0);
  await record.click();
  await recording.getByText(/^0:0[2-9]$/).waitFor();
  await recording.getByRole("button", { name: "Finish the recording" }).click();
  await pending(alice).waitFor();
  await play(alice, pending(alice));
  await alice.getByRole("button", { name: "Send", exact: true }).click();

  const player = attachments(bob).locator(".voice");
  await player.waitFor();
  const position = player.getByRole("slider");
  equal(await player.locator("rect").count(), 64);
  await position.focus();
  for (let times = 0; times < 5; times++) await bob.keyboard.press("ArrowRight");
  match(await position.getAttribute("aria-valuetext"), /^0:00 of 0:0[1-9]$/);
  equal(await position.inputValue(), "500");
  await player.getByRole("button", { name: "Speed 1×" }).click();
  await player.getByRole("button", { name: "Speed 1.5×" }).click();
  await play(bob, player);
  equal(await player.locator("audio").evaluate((it) => it.playbackRate), 2);
  await player.getByRole("button", { name: "Play voice message", exact: true }).waitFor(); // it has ended
  const { items } = await call("GET", `conversations/${encodeURIComponent(idOf(alice))}/files?kind=audio`, "bob");
  const [{ file }] = items;
  match(file.contentType, /^audio\//);
  ok(file.durationMs > 1_000 && file.durationMs < 60_000, `it takes ${file.durationMs} ms`);
  ok(file.waveform.includes(100));
  const width = async (page) => (await attachments(page).locator(".voice .wave").boundingBox()).width;
  equal(await width(alice), await width(bob));
});

// A recording is kept when the reader leaves, and Send ends it.
test("A recording is kept and sent", ["whole_browser"], async () => {
  const alice = await visitAs("alice", { permissions: ["microphone"] });
  const bob = await visitAs("bob");
  await gather("Left", ["bob"]);
  await open(alice, "Left");
  await open(bob, "Left");
  const record = alice.getByRole("button", { name: "Record a voice message" });
  const recording = alice.getByRole("group", { name: "Recording a voice message" });
  await record.click();
  await recording.getByText("0:01").waitFor();
  const asked = stays(alice);
  // The page stays, so nothing is loaded.
  await alice.reload({ timeout: 3_000 }).catch(() => undefined);
  await recording.waitFor();
  deepEqual(asked, ["beforeunload"]);
  await open(alice, "general");
  await open(alice, "Left");
  await pending(alice).waitFor();
  await composer(alice).fill("Two of them");
  await record.click();
  await recording.getByText("0:01").waitFor();
  await alice.getByRole("button", { name: "Send", exact: true }).click();
  const sent = bob.locator(".message").filter({ hasText: "Two of them" });
  await sent.locator(".voice").nth(1).waitFor();
  equal(await sent.locator(".voice").count(), 2);
  equal(await pending(alice).count(), 0);
});

// Users with tokens upload files and see them as well.
test("An account proves itself in a header with a fresh token", [], async () => {
  const mallory = await visit();
  await submitAccount(mallory, { Name: "Dora", "E-mail": "dora@example.com", Password: "correct horse" });
  await start(mallory, ["alice"]);
  await opened(mallory, "alice");
  // A token that is about to end is renewed before the file is sent with it. Any other request may need it first.
  const renewed = mallory.waitForRequest((request) => request.url().endsWith("/auth/refresh"));
  await mallory.evaluate(() => {
    const session = JSON.parse(localStorage.getItem("talkwire.session"));
    localStorage.setItem("talkwire.session", JSON.stringify({ ...session, expiresAt: Date.now() }));
  });
  const uploads = [];
  mallory.on("request", (request) => {
    if (request.method() === "PATCH") uploads.push([request.headers().authorization, request.url()]);
  });
  await chosen(mallory).setInputFiles([picture("a.png", 60, 40, 90)]);
  await renewed;
  await pending(mallory).waitFor();
  await composer(mallory).press("Enter");
  await pictures(mallory).waitFor();
  await mallory.waitForFunction(() => document.querySelector(".picture img")?.naturalWidth > 0);
  const [[authorization, address]] = uploads;
  match(authorization, /^Bearer /);
  doesNotMatch(address, /token=/);
});

test("Sound is played in its place", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await gather("Sound", ["bob"]);
  await open(alice, "Sound");
  await open(bob, "Sound");
  await chosen(alice).setInputFiles([silence("beep.wav", 2)]);
  await pending(alice).waitFor();
  await composer(alice).press("Enter");
  await attachments(bob).locator("audio").waitFor();
  await bob.waitForFunction(() => document.querySelector("audio")?.duration > 0);
  equal(await bob.locator("audio").evaluate((it) => it.duration), 2);
  equal(await conversations(bob).filter({ hasText: "Sound" }).locator(".last").textContent(), "alice: beep.wav");
});

// A film in portrait, before and after it is loaded: the size of its place, and how bright the middle of its frame is.
test("A film shows a frame in its place", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob", { expected: LOST })];
  await gather("Film", ["bob"]);
  await open(alice, "Film");
  const buffer = Buffer.from(await alice.evaluate(recordFilm));
  await chosen(alice).setInputFiles([{ name: "portrait.webm", mimeType: "video/webm", buffer }]);
  await pending(alice).waitFor();
  await composer(alice).press("Enter");
  await attachments(alice).locator("video").waitFor();

  let load = () => undefined;
  const wanted = new Promise((resolve) => (load = resolve));
  await bob.route(/portrait\.webm/, async (route) => {
    await wanted;
    await route.continue();
  });
  await open(bob, "Film");
  const video = attachments(bob).locator("video");
  await video.waitFor();
  const sizeOf = () => video.evaluate((it) => [it.clientWidth, it.clientHeight]);
  deepEqual(await sizeOf(), [315, 420]);
  load();
  await bob.waitForFunction(() => document.querySelector("video").readyState >= 2);
  const green = await video.evaluate((it) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.drawImage(it, it.videoWidth / 2, it.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data[1];
  });
  ok(green > 200, `it is white in the middle, and has ${green} of green`);
  // Nothing moves when it is loaded.
  deepEqual(await sizeOf(), [315, 420]);
});

// Runs in the page. Records a white square before red.
async function recordFilm() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 240, height: 320 });
  const context = canvas.getContext("2d");
  const draw = () => {
    context.fillStyle = "#f00";
    context.fillRect(0, 0, 240, 320);
    context.fillStyle = "#fff";
    context.fillRect(60, 80, 120, 160);
  };
  const drawing = setInterval(draw, 40);
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm;codecs=vp8" });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const done = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, 800));
  recorder.stop();
  await done;
  clearInterval(drawing);
  return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
}

function silence(name, seconds) {
  const rate = 8000;
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + rate * seconds, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write("data", 36);
  header.writeUInt32LE(rate * seconds, 40);
  return { name, mimeType: "audio/wav", buffer: Buffer.concat([header, Buffer.alloc(rate * seconds, 128)]) };
}

// Pasted and dropped; a folder's worth of text beside a picture is a text.
test("Files are pasted and dropped", [], async () => {
  const alice = await visitAs("alice");
  await gather("Pasting", ["bob"]);
  await open(alice, "Pasting");
  await composer(alice).focus();
  const paste = (parts) =>
    composer(alice).evaluate((field, given) => {
      const clipboardData = new DataTransfer();
      for (const [type, text] of Object.entries(given)) {
        if (type === "file") clipboardData.items.add(new File([text], "pasted.txt", { type: "text/plain" }));
        else clipboardData.setData(type, text);
      }
      const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
      return !field.dispatchEvent(event);
    }, parts);
  equal(await paste({ file: "pasted" }), true);
  await pending(alice).filter({ hasText: "pasted.txt" }).waitFor();
  equal(await paste({ file: "picture of it", "text/plain": "it", "text/html": "<b>it</b>" }), false);
  const drag = (type) =>
    alice.evaluate((name) => {
      // Another element takes its place when the messages are loaded, so the test looks for it at the last moment.
      const area = document.querySelector(".conversation :is(.timeline, .note)");
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
      area.dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
    }, type);
  await drag("dragenter");
  await alice.getByText("Drop files to attach them").waitFor();
  await drag("dragover");
  await drag("drop");
  await alice.getByText("Drop files to attach them").waitFor({ state: "detached" });
  await pending(alice).filter({ hasText: "dropped.txt" }).waitFor();
  await alice.getByRole("button", { name: "Remove file pasted.txt" }).click();
  await composer(alice).press("Enter");
  await attachments(alice).waitFor();
  deepEqual(await attachments(alice).locator(".file-name").allTextContents(), ["dropped.txt"]);
});

// Paused by hand, and continued after a reload; the letter and its text wait.
test("An upload is paused and continues after a reload", [], async () => {
  const alice = await visitAs("alice", { expected: LOST });
  await gather("Pausing", ["bob"]);
  await open(alice, "Pausing");
  const conversation = idOf(alice);
  const content = Buffer.alloc(6_000_000, "slow ");
  let hurry = await slowDown(alice, 300_000);
  await composer(alice).fill("With a file");
  await chosen(alice).setInputFiles([{ name: "slow.bin", mimeType: "application/octet-stream", buffer: content }]);
  await hasSent(alice, 400_000);
  await alice.getByRole("button", { name: "Pause slow.bin" }).click();
  await alice.getByText("Paused").waitFor();
  const paused = await sent(alice);
  await composer(alice).press("Enter");
  const letter = alice.locator(".letter").filter({ hasText: "With a file" });
  await letter.locator(".pending-file").waitFor();
  await say(alice, "Not held up");
  await message(alice, "Not held up").waitFor();
  equal(await sent(alice), paused);
  const offsets = [];
  alice.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  await alice.getByRole("button", { name: "Resume slow.bin" }).click();
  await hasSent(alice, paused + 500_000);
  await alice.reload();
  await letter.locator(".pending-file").waitFor();
  hurry = await slowDown(alice, -1);
  await hurry();
  await message(alice, "With a file").waitFor();
  await letter.waitFor({ state: "detached" });
  equal(await alice.locator(".letter").count(), 0);
  equal(await storedDigest(conversation, "bob"), digest(content));
  // Nothing is sent again from the start.
  ok(offsets[0] > 0 && offsets[0] < offsets.at(-1) && offsets.at(-1) < 6_000_000, String(offsets));
});

// Texts do not wait for the file of the message before them on a slow link, also through a reload; what waits only for
// the connection is sent in order, with a file that is uploaded already.
test("A text does not wait for the file of the message before it", [], async () => {
  const alice = await visitAs("alice", { expected: LOST });
  const { id } = await gather("In turn", ["bob"]);
  await open(alice, "In turn");
  await slowDown(alice, 300_000);
  await composer(alice).fill("With a file");
  await chosen(alice).setInputFiles([textFile("slow.txt", "slow ".repeat(1_200_000))]);
  await hasSent(alice, 100_000);
  await composer(alice).press("Enter");
  await say(alice, "After it");
  await message(alice, "After it").waitFor();
  await alice.reload();
  const hurry = await slowDown(alice, 300_000);
  await letters(alice).locator(".pending-file").waitFor();
  await say(alice, "And this");
  await message(alice, "And this").waitFor();
  deepEqual(await letters(alice).locator(".text").allTextContents(), ["With a file"]);
  await hurry();
  await message(alice, "With a file").waitFor();
  await letters(alice).first().waitFor({ state: "detached" });

  await chosen(alice).setInputFiles([textFile("small.txt", "small")]);
  await pending(alice).getByText("5 bytes", { exact: true }).waitFor();
  await alice.context().setOffline(true);
  await alice.locator(".connection").waitFor();
  await say(alice, "Uploaded, offline");
  await say(alice, "Behind it, offline");
  await letters(alice).nth(1).waitFor();
  await alice.context().setOffline(false);
  await message(alice, "Behind it, offline").waitFor();
  await letters(alice).first().waitFor({ state: "detached" });
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  deepEqual(
    items.filter(({ type }) => type !== "system").map(({ content }) => content),
    ["After it", "And this", "With a file", "Uploaded, offline", "Behind it, offline"],
  );
});

// The server is killed while a file is on its way, and comes back.
test("An upload outlives the server", ["own_server"], async ({ server }) => {
  const alice = await visitAs("alice", { expected: LOST });
  await open(alice, "general");
  const content = Buffer.alloc(8_000_000, "large ");
  const hurry = await slowDown(alice, 500_000);
  const offsets = [];
  alice.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  await composer(alice).fill("It is large");
  await chosen(alice).setInputFiles([{ name: "large.bin", mimeType: "application/octet-stream", buffer: content }]);
  await hasSent(alice, 1_500_000);
  await composer(alice).press("Enter");
  await server.kill();
  await alice.getByText("Waiting for the connection").waitFor();
  await hurry();
  await server.start();
  await message(alice, "It is large").waitFor();
  await attachments(alice).waitFor();
  equal(await storedDigest("general", "bob"), digest(content));
  ok(offsets.at(-1) > 0, "it continues where it was");
});

// What the server does not take says why, and the text stays.
test("What is too large says so and leaves the text", ["small_files_server"], async () => {
  const alice = await visitAs("alice");
  await open(alice, "general");
  await composer(alice).fill("My text");
  await chosen(alice).setInputFiles([textFile("large.txt", "x".repeat(2000)), textFile("small.txt", "x")]);
  const problem = pending(alice).locator(".problem");
  await problem.waitFor();
  const send = alice.getByRole("button", { name: "Send", exact: true });
  equal(await problem.textContent(), "This file is larger than the limit of 1.5 kB.");
  ok(await send.isDisabled());
  equal(
    await alice.locator(".composer").getByText("One of the files").textContent(),
    "One of the files can't be sent. Remove it.",
  );
  await alice.getByRole("button", { name: "Remove file large.txt" }).click();
  await send.click();
  await message(alice, "My text").waitFor();
  deepEqual(await attachments(alice).locator(".file-name").allTextContents(), ["small.txt"]);
});

// A call has a style sheet of its own, which comes with the first one: pictures stay side by side.
test("A call leaves the pictures of messages where they are", ["whole_browser"], async () => {
  const alice = await visitAs("alice", { permissions: ["microphone"] });
  await start(alice, ["bob"]);
  await chosen(alice).setInputFiles([picture("red.png", 60, 40, 90), picture("grey.png", 60, 40, 128)]);
  await pending(alice).nth(1).waitFor();
  await composer(alice).press("Enter");
  await pictures(alice).nth(1).waitFor();
  const areSideBySide = () =>
    alice.locator(".attachments").evaluate((it) => {
      const boxes = [...it.querySelectorAll(".picture")].map((each) => each.getBoundingClientRect());
      return boxes.every((box, index) => index === 0 || box.left >= boxes[index - 1].right);
    });
  ok(await areSideBySide());
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await alice.getByRole("region", { name: "Call with bob" }).waitFor();
  await alice.getByRole("button", { name: "Hang up" }).click();
  ok(await areSideBySide());
});

// What could not be loaded is loaded when the reader asks for it, and by itself when the connection is back.
test("What could not be loaded is loaded again", [], async () => {
  const bob = await visitAs("bob", { expected: LOST });
  const { id } = await gather("Missing", ["bob"]);
  const upload = async ({ name, mimeType, buffer }) => {
    const form = new FormData();
    form.append("file", new Blob([buffer], { type: mimeType }), name);
    return (await fetch(`${url}/api/v1/files?userId=alice`, { method: "POST", body: form })).json();
  };
  const dot = await upload(picture("dot.png", 60, 40, 90));
  const voice = await upload(silence("voice.wav", 2));
  const recorded = { id: voice.id, durationMs: 2_000, waveform: [1, 50, 100] };
  await post("messages", "alice", { conversationId: id, content: "Both", attachments: [{ id: dot.id }, recorded] });
  await bob.route(/\/files\//, (route) => route.abort());
  await open(bob, "Missing");
  const lost = {
    picture: bob.getByText("This picture can't be loaded."),
    voice: bob.getByText("This voice message can't be loaded."),
  };
  await lost.picture.waitFor();
  await lost.voice.waitFor();
  await bob.unroute(/\/files\//);
  await pictures(bob).click();
  await bob.waitForFunction(() => document.querySelector(".picture img")?.naturalWidth > 0);
  equal(await bob.locator(".missing-again").count(), 1);
  await bob.context().setOffline(true);
  await bob.locator(".missing-again").waitFor({ state: "detached" });
  await bob.context().setOffline(false);
  await lost.voice.waitFor({ state: "detached" });
  await bob.waitForFunction(() => document.querySelector(".voice audio")?.duration > 0);
  equal((await lost.picture.count()) + (await lost.voice.count()), 0);
});
