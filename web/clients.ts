/** Where the page and the service worker find Talkwire's packages for JavaScript: as sources. */

import { fileURLToPath } from "node:url";

const path = (name: string): string => fileURLToPath(new URL(`../clients/javascript/${name}`, import.meta.url));

export const clients = {
  alias: {
    "@talkwire/client/cards": path("client/src/cards/index.ts"),
    "@talkwire/client/desk": path("client/src/desk/index.ts"),
    "@talkwire/client/parts": path("client/src/parts.ts"),
    "@talkwire/client": path("client/src/index.ts"),
  },
  // What these sources import is taken from here, so that the page needs one installation, and has each library once.
  dedupe: ["idb", "react", "socket.io-client", "tus-js-client", "zustand"],
};
