// A push service, for browsers that cannot reach a vendor's: takes what the server sends to a subscription, and decrypts
// it as a browser does (RFC 8188 and 8291).
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { arrived } from "./browser.mjs";

const LABEL = (text) => Buffer.from(`${text}\0`);
const derived = (secret, salt, info, size) => Buffer.from(hkdfSync("sha256", secret, salt, info, size));

export class PushService {
  #keys = createECDH("prime256v1");
  #auth = randomBytes(16);
  #received = [];
  #wake = () => undefined;
  #server = createServer((request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      this.#received.push(JSON.parse(this.#decrypted(Buffer.concat(pieces))));
      this.#wake();
      response.writeHead(201).end();
    });
  });

  async start() {
    this.#keys.generateKeys();
    await new Promise((listening) => this.#server.listen(0, "127.0.0.1", listening));
  }

  // What a browser gives the page as its subscription.
  get subscription() {
    const keys = { p256dh: this.#keys.getPublicKey("base64url"), auth: this.#auth.toString("base64url") };
    return { endpoint: `http://127.0.0.1:${this.#server.address().port}/push/1`, keys };
  }

  // Returns the next push as the server wrote it.
  async next() {
    while (this.#received.length === 0) await arrived("a push", new Promise((wake) => (this.#wake = wake)));
    return this.#received.shift();
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #decrypted(body) {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + body[20]);
    const sealed = body.subarray(21 + body[20]);
    const info = Buffer.concat([LABEL("WebPush: info"), this.#keys.getPublicKey(), sender]);
    const secret = derived(this.#keys.computeSecret(sender), this.#auth, info, 32);
    const key = derived(secret, salt, LABEL("Content-Encoding: aes128gcm"), 16);
    const nonce = derived(secret, salt, LABEL("Content-Encoding: nonce"), 12);
    const cipher = createDecipheriv("aes-128-gcm", key, nonce);
    cipher.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    // A delimiter and zeros follow the text.
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }
}
